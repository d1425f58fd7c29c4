"""Dictionaries in the format of Hunspell: stems with flags, and rules that make forms of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from octavo.data.registry import Entry
from octavo.errors import OctavoError


@dataclass(frozen=True)
class Dictionary:
    """The words of a language.

    Args:
        stems: as the dictionary lists them.
        forms: all that its rules make of them, without the stems.
    """

    stems: tuple[str, ...]
    forms: tuple[str, ...]

    def words(self, number: int, *, seed: int = 0) -> tuple[str, ...]:
        """A number of different words of lower-case letters and digits: all stems first, then drawn forms.

        Args:
            number: how many.
            seed: of what is drawn.

        Raises:
            OctavoError: there are not so many.
        """
        import numpy as np

        stems, forms = (
            dict.fromkeys(word.lower() for word in words if word.isascii() and word.isalnum())
            for words in (self.stems, self.forms)
        )
        rest = [word for word in forms if word not in stems]
        if number > len(stems) + len(rest):
            raise OctavoError(f"the dictionary has {len(stems) + len(rest)} words, {number} were asked for")
        random = np.random.default_rng(seed)
        found, left = list(stems), number - len(stems)
        if left <= 0:
            return tuple(found[index] for index in sorted(random.permutation(len(found))[:number].tolist()))
        return (*found, *(rest[index] for index in sorted(random.permutation(len(rest))[:left].tolist())))


@dataclass(frozen=True)
class Rule:
    """One way to change a word.

    Args:
        strip: what goes.
        add: what comes in its place.
        condition: what the word must look like.
        crosses: whether a prefix and a suffix may both be applied.
    """

    strip: str
    add: str
    condition: re.Pattern[str]
    crosses: bool


@dataclass
class Affixes:
    """The rules of an affix file, by flag.

    Args:
        prefixes, suffixes: the rules of each flag.
        flag_size: characters of a flag.
        encoding: of both files.
    """

    prefixes: dict[str, list[Rule]] = field(default_factory=dict)
    suffixes: dict[str, list[Rule]] = field(default_factory=dict)
    flag_size: int = 1
    encoding: str = "utf-8"

    def flags(self, text: str) -> list[str]:
        """The flags that stand behind a stem."""
        return [text[at : at + self.flag_size] for at in range(0, len(text), self.flag_size)]

    def forms(self, stem: str, flags: list[str]) -> Iterator[str]:
        """What the rules make of a stem."""
        suffixed = [(rule, made) for rule in _of(self.suffixes, flags) if (made := _with_suffix(stem, rule))]
        yield from (made for _, made in suffixed)
        for rule in _of(self.prefixes, flags):
            if made := _with_prefix(stem, rule):
                yield made
            if rule.crosses:
                for other, word in suffixed:
                    if other.crosses and (made := _with_prefix(word, rule)):
                        yield made


def _of(rules: dict[str, list[Rule]], flags: list[str]) -> Iterator[Rule]:
    return (rule for flag in flags for rule in rules.get(flag, ()))


def _with_suffix(word: str, rule: Rule) -> str | None:
    if not word.endswith(rule.strip) or not rule.condition.search(word):
        return None
    return word[: len(word) - len(rule.strip)] + rule.add


def _with_prefix(word: str, rule: Rule) -> str | None:
    if not word.startswith(rule.strip) or not rule.condition.search(word):
        return None
    return rule.add + word[len(rule.strip) :]


def load_dictionary(entry: Entry) -> Dictionary:
    """Reads an affix file and its dictionary.

    Raises:
        OctavoError: a file is not in Hunspell's format, or uses numbered flags.
    """
    places = {Path(name).suffix: path for name, path in entry.files.items()}
    affixes = read_affixes(places[".aff"])
    lines = places[".dic"].read_text(encoding=affixes.encoding).splitlines()
    if not lines or not lines[0].strip().isdigit():
        raise OctavoError(f"{places['.dic']} does not begin with its number of words; it is no dictionary")
    stems: dict[str, None] = {}
    forms: dict[str, None] = {}
    for line in lines[1:]:
        stem, _, flags = line.split("\t")[0].strip().partition("/")
        if stem and not stem.startswith("#"):
            stems[stem] = None
            forms.update(dict.fromkeys(affixes.forms(stem, affixes.flags(flags.split(" ")[0]))))
    return Dictionary(tuple(stems), tuple(form for form in forms if form not in stems))


def read_affixes(path: Path) -> Affixes:
    """The rules of an affix file.

    Args:
        path: of the file.

    Raises:
        OctavoError: flags are numbers, or a rule lacks a field.
    """
    content = path.read_bytes()
    named = re.search(rb"^SET\s+(\S+)", content, re.MULTILINE)
    encoding = named.group(1).decode("ascii") if named else "latin-1"
    found = Affixes(encoding=encoding)
    crosses: dict[tuple[str, str], bool] = {}
    for number, line in enumerate(content.decode(encoding).splitlines(), start=1):
        words = line.split()
        if words[:1] == ["FLAG"]:
            if words[1:2] == ["num"]:
                raise OctavoError(f"{path}, line {number}: flags are numbers, which octavo does not read")
            found.flag_size = 2 if words[1:2] == ["long"] else 1
        if words[:1] not in (["SFX"], ["PFX"]):
            continue
        if len(words) < 4:
            raise OctavoError(f"{path}, line {number}: {line!r} is no rule; four fields were expected")
        kind, flag = words[:2]
        if (kind, flag) not in crosses:  # the first line of a flag is its header
            crosses[kind, flag] = words[2] == "Y"
            continue
        strip, add = (part.partition("/")[0].replace("0", "") for part in words[2:4])
        shape = words[4] if len(words) > 4 else "."
        condition = re.compile(f"{shape}$" if kind == "SFX" else f"^{shape}")
        rules = found.suffixes if kind == "SFX" else found.prefixes
        rules.setdefault(flag, []).append(Rule(strip, add, condition, crosses[kind, flag]))
    return found
