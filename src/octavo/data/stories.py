"""Short stories with questions: the bAbI files, and a generator of the same small world."""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError

if TYPE_CHECKING:
    from torch import Tensor

Words = tuple[str, ...]

ACTORS = ("mary", "john", "daniel", "sandra")
ROOMS = ("kitchen", "garden", "office", "hallway", "bathroom", "bedroom")
THINGS = ("football", "milk", "apple")
TASKS = (1, 2, 3)
LONGEST = {1: (2, 8), 2: (6, 16), 3: (10, 26)}
"""The fewest and the most sentences of a story, by the number of facts that an answer needs."""


@dataclass(frozen=True)
class Story:
    """Sentences, a question about them, and its answer.

    Args:
        sentences: in the order in which they are told.
        question: its words.
        answer: one word.
        facts: the sentences that the answer follows from, counted from 0.
    """

    sentences: tuple[Words, ...]
    question: Words
    answer: str
    facts: tuple[int, ...]


@dataclass(frozen=True)
class StorySplits:
    """Stories to train on and stories to test on."""

    train: tuple[Story, ...]
    test: tuple[Story, ...]


def load_babi(entry: Entry, *, task: int = 1) -> StorySplits:
    """Read one task of the bAbI files.

    Args:
        task: 1 to 20.

    Raises:
        OctavoError: there is no such task, or a file is not of the format.
    """
    found = {}
    for split in ("train", "test"):
        names = [name for name in entry.files if re.search(rf"(^|/)qa{task}_.*_{split}\.txt$", name)]
        if len(names) != 1:
            raise OctavoError(
                f"bAbI has the tasks 1 to 20, and no files of a task {task} are among its files"
            )
        found[split] = read_babi(entry.files[names[0]])
    return StorySplits(found["train"], found["test"])


def read_babi(path: Path) -> tuple[Story, ...]:
    """Read one file: numbered sentences, of which a question has its answer and its facts behind tabs.

    Args:
        path: of the file.

    Raises:
        OctavoError: a line has no number, or a question no answer.
    """
    stories: list[Story] = []
    told: list[Words] = []
    places: dict[int, int] = {}
    for number, line in enumerate(lines(path), start=1):
        if not line.strip():
            continue
        index, _, rest = line.partition(" ")
        if not index.isdigit():
            raise OctavoError(f"{path}, line {number}: a line begins with its number in the story")
        if index == "1":
            told, places = [], {}
        if "\t" not in rest:
            places[int(index)] = len(told)
            told.append(_words(rest))
            continue
        question, answer, *facts = rest.split("\t")
        if not answer.strip():
            raise OctavoError(f"{path}, line {number}: a question without an answer")
        supporting = tuple(places[int(fact)] for fact in " ".join(facts).split() if int(fact) in places)
        stories.append(Story(tuple(told), _words(question), answer.strip().lower(), supporting))
    if not stories:
        raise OctavoError(f"{path}: no question in it; the file may be cut short, fetch it again")
    return tuple(stories)


def load_generated_stories(
    entry: Entry, *, task: int = 1, train: int = 1000, test: int = 200, seed: int = 0
) -> StorySplits:
    """Tell stories of the bAbI world: people who walk, take things and leave them.

    Args:
        task: 1 asks where somebody is, 2 where a thing is, 3 where it was before; an answer needs as many
        facts.
        train: stories to train on.
        test: stories to test on.
        seed: the same seed tells the same stories.

    Raises:
        OctavoError: the task is none of these.
    """
    if task not in TASKS:
        raise OctavoError(f"{entry.name} has the tasks 1, 2 and 3, got task={task}")
    chance = random.Random(f"{seed} {task}")
    stories = tuple(tell(task, chance) for _ in range(train + test))
    return StorySplits(stories[:train], stories[train:])


def tell(task: int, chance: random.Random) -> Story:
    """One story of the generated world, whose question has an answer.

    Args:
        task: how many facts the answer needs.
        chance: of everything that happens.

    Example:
        >>> story = tell(1, random.Random(0))
        >>> " ".join(story.question), story.answer in ROOMS
        ('where is john', True)
    """
    while True:
        story = _try(task, chance)
        if story is not None:
            return story


def vocabulary(stories: Iterable[Story]) -> dict[str, int]:
    """A number from 1 on for each word; 0 is the padding.

    Args:
        stories: all that will be encoded.
    """
    words = {
        word
        for story in stories
        for words in (*story.sentences, story.question, (story.answer,))
        for word in words
    }
    return {word: number for number, word in enumerate(sorted(words), start=1)}


def encode(stories: Sequence[Story], numbers: dict[str, int], memory: int, words: int) -> "dict[str, Tensor]":
    """The newest sentences of each story, its question and its answer, padded with 0.

    Args:
        stories: what is told.
        numbers: of the words.
        memory: sentences that are kept.
        words: places of a sentence.
    """
    import torch

    told = torch.zeros(len(stories), memory, words, dtype=torch.long)
    asked = torch.zeros(len(stories), words, dtype=torch.long)
    for row, story in enumerate(stories):
        for place, sentence in enumerate(story.sentences[-memory:]):
            told[row, place, : len(sentence)] = torch.tensor([numbers[word] for word in sentence])
        asked[row, : len(story.question)] = torch.tensor([numbers[word] for word in story.question])
    answers = torch.tensor([numbers[story.answer] for story in stories])
    return {"story": told, "question": asked, "answer": answers}


def _try(task: int, chance: random.Random) -> Story | None:
    fewest, most = LONGEST[task]
    place: dict[str, tuple[str, int]] = {}
    holder: dict[str, tuple[str, int]] = {}
    # Where each thing has been, each time with the facts that say so.
    trail: dict[str, list[tuple[str, tuple[int, ...]]]] = {thing: [] for thing in THINGS}
    sentences: list[Words] = []
    for index in range(chance.randint(fewest, most)):
        actor = chance.choice(ACTORS)
        carried = [thing for thing, (by, _) in holder.items() if by == actor]
        free = [thing for thing in THINGS if thing not in holder]
        act = chance.random()
        if task > 1 and actor in place and act < 0.3 and free:
            thing = chance.choice(free)
            holder[thing] = (actor, index)
            sentences.append((actor, "took", "the", thing))
            _move(trail, thing, place[actor][0], (index, place[actor][1]))
        elif task > 1 and carried and act > 0.85:
            thing = chance.choice(carried)
            del holder[thing]
            sentences.append((actor, "dropped", "the", thing))
        else:
            here = place[actor][0] if actor in place else ""
            room = chance.choice([room for room in ROOMS if room != here])
            place[actor] = (room, index)
            sentences.append((actor, "went", "to", "the", room))
            for thing in carried:
                _move(trail, thing, room, (holder[thing][1], index))
    told = tuple(sentences)
    if task == 1:
        actor = chance.choice(sorted(place))
        room, fact = place[actor]
        return Story(told, ("where", "is", actor), room, (fact,))
    known = sorted(thing for thing, been in trail.items() if len(been) >= task - 1)
    if not known:
        return None
    thing = chance.choice(known)
    if task == 2:
        room, facts = trail[thing][-1]
        return Story(told, ("where", "is", "the", thing), room, tuple(sorted(facts)))
    (before, facts), (after, later) = trail[thing][-2:]
    question = ("where", "was", "the", thing, "before", "the", after)
    # The last time that it was there before is what is asked, so it must have been there once.
    if [room for room, _ in trail[thing]].count(after) > 1:
        return None
    return Story(told, question, before, tuple(sorted({*facts, *later})))


def _move(
    trail: dict[str, list[tuple[str, tuple[int, ...]]]], thing: str, room: str, facts: tuple[int, ...]
) -> None:
    if not trail[thing] or trail[thing][-1][0] != room:
        trail[thing].append((room, facts))


def _words(sentence: str) -> Words:
    return tuple(re.findall(r"[a-z0-9']+", sentence.lower()))
