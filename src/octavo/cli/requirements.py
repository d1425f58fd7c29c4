"""What every paper must have, each as a function from a paper to what is wrong with it.

`octavo check` prints them, the furniture test asserts them.
"""

import inspect
import re
import typing
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from octavo.catalogue import Paper
from octavo.cli import output
from octavo.cli.furniture import TO_BE_WRITTEN
from octavo.cli.parse import field_help
from octavo.cli.places import Places, checkout, package_root
from octavo.errors import OctavoError


def files(paper: Paper) -> list[str]:
    """The files that every paper has."""
    places = Places.of_paper(paper)
    wanted = [
        *(places.folder / name for name in ("__init__.py", "experiment.py", "demo.py", "README.md")),
        *(places.tests / name for name in ("reference.py", "furniture.py")),
        places.benchmark,
    ]
    missing = [f"{output.relative(path)} is missing" for path in wanted if not path.is_file()]
    if not list(places.tests.glob("test_*.py")):
        missing.append(f"{output.relative(places.tests)} has no test_*.py")
    return missing


def written(paper: Paper) -> list[str]:
    """No file says any more that something is to be written."""
    places = Places.of_paper(paper)
    found = []
    for path in [*places.folder.rglob("*"), *places.tests.rglob("*.py"), places.benchmark]:
        if path.suffix in (".py", ".md", ".toml") and path.is_file():
            text = path.read_text(encoding="utf-8")
            if TO_BE_WRITTEN in text.lower():
                line = text.lower()[: text.lower().index(TO_BE_WRITTEN)].count("\n") + 1
                found.append(f"{output.relative(path)}:{line} says that something is {TO_BE_WRITTEN}")
    return found


def claims(paper: Paper) -> list[str]:
    """The card has claims, and each condition can be read."""
    from octavo import ledger

    if not paper.claims:
        return ["the card has no claims: write one for each sentence of the abstract that can be checked"]
    wrong = []
    for claim in paper.claims:
        try:
            ledger.check_condition(claim.condition)
        except OctavoError as error:
            wrong.append(f"claim {claim.id}: {str(error).splitlines()[0]}")
    return wrong


def public(paper: Paper) -> list[str]:
    """The card's public names are those of the package, and the shelf gives them."""
    room = import_module(paper.module)
    named = list(getattr(room, "__all__", []))
    wrong = []
    if sorted(named) != sorted(paper.public):
        only_card, only_room = set(paper.public) - set(named), set(named) - set(paper.public)
        wrong.append(
            "public names differ: "
            + "; ".join(
                [f"only in the card: {', '.join(sorted(only_card))}"] * bool(only_card)
                + [f"only in __all__: {', '.join(sorted(only_room))}"] * bool(only_room)
            )
        )
    shelf = import_module(f"octavo.{paper.shelf}")
    wrong += [
        f"octavo.{paper.shelf}.{name} is not that of {paper.module}"
        for name in paper.public
        if getattr(shelf, name, None) is not getattr(room, name, None)
    ]
    if paper.arxiv not in (room.__doc__ or ""):
        wrong.append(f"the docstring of {paper.module} does not name arXiv {paper.arxiv}")
    return wrong


def docstrings(paper: Paper) -> list[str]:
    """Every public name says in a docstring what it does, what it takes, its shapes, and shows an example."""
    from torch import nn

    room = import_module(paper.module)
    wrong = []
    for name in paper.public:
        thing = getattr(room, name, None)
        if not callable(thing):
            continue
        text = inspect.cleandoc(thing.__doc__ or "")
        first = text.split("\n\n")[0]
        if not first.rstrip().endswith("."):
            wrong.append(f"{name} does not begin with a sentence that says what it does")
        wanted = ["Args"] if _has_parameters(thing) else []
        if inspect.isclass(thing) and issubclass(thing, nn.Module):
            wanted += ["Shape", "Example"]
        wrong += [
            f"{name} has no section {section}:"
            for section in wanted
            if not re.search(rf"^{section}s?:", text, re.MULTILINE)
        ]
    return wrong


def readme(paper: Paper) -> list[str]:
    """The README has code that runs, the block of verdicts, and the deviations from the paper."""
    from octavo.ledger.markdown import BEGIN, END

    path = paper.folder / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    wrong = []
    if not code_blocks(text):
        wrong.append("README.md has no ```python block that shows the system at work")
    if BEGIN not in text or END not in text:
        wrong.append(f"README.md has no place for the verdicts: {BEGIN} and {END} on lines of their own")
    if not re.search(r"^1\. ", text, re.MULTILINE):
        wrong.append("README.md has no numbered list of departures from the paper")
    return wrong


def code_blocks(markdown: str) -> list[str]:
    """The Python blocks of a README."""
    return re.findall(r"^```python\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)


def demo(paper: Paper) -> list[str]:
    """`demo` is typed, can be called without arguments, and describes each of them."""
    function = getattr(import_module(f"{paper.module}.demo"), "demo", None)
    if function is None:
        return ["demo.py has no function demo"]
    hints = typing.get_type_hints(function)
    text = inspect.getdoc(function) or ""
    wrong = [] if text else ["demo has no docstring"]
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in hints:
            wrong.append(f"demo's parameter {name} has no type")
        if parameter.default is parameter.empty:
            wrong.append(f"demo's parameter {name} has no default")
        if not re.search(rf"^\s*{name}:", text, re.MULTILINE):
            wrong.append(f"demo's docstring does not say what {name} is")
    if "return" not in hints:
        wrong.append("demo does not say what it returns")
    return wrong


def modules(paper: Paper) -> Iterator[ModuleType]:
    """Every module of the paper."""
    for file in sorted(paper.folder.rglob("*.py")):
        inside = file.relative_to(paper.folder).with_suffix("").parts
        yield import_module(".".join([paper.module, *inside]).removesuffix(".__init__"))


def config(paper: Paper) -> list[str]:
    """The experiment has a frozen Config whose fields are described, the four scales, and a part."""
    from octavo.catalogue import SCALES
    from octavo.lab import parts_of

    experiment = import_module(f"{paper.module}.experiment")
    wrong = [f"SCALES has no {scale}" for scale in SCALES if scale not in getattr(experiment, "SCALES", {})]
    if not hasattr(experiment, "Config"):
        return [*wrong, "experiment.py has no Config"]
    helps = field_help(experiment.Config)
    wrong += [
        f"Config.{name} has no line below it that says what it is" for name, text in helps.items() if not text
    ]
    if not parts_of(experiment):
        wrong.append("experiment.py has no function under @part")
    return wrong


def smoke(paper: Paper) -> list[str]:
    """At smoke scale every part runs, and every claim that this machine can speak to is measured."""
    from octavo import ledger, runner

    outcome = runner.run(runner.plan(paper, "smoke", seeds=1), jobs=1, progress=False)
    wrong = [
        f"part {unit.part}, seed {unit.seed}: {unit.status}: {unit.why}"
        for unit in (*outcome.failed, *outcome.diverged)
    ]
    absent = {unit.needs for unit in outcome.needs}
    for judgement in ledger.judge_run(paper, outcome.run):
        excused = judgement.verdict.startswith("needs") and absent | set(judgement.claim.needs)
        if not judgement.seeds and not excused:
            wrong.append(f"claim {judgement.id} is not measured: {judgement.why}")
    return wrong


def published(paper: Paper) -> list[str]:
    """The ledger has the paper's records, measured by its code of today, and its pages say what they say."""
    from octavo.lab.provenance import code_hash
    from octavo.ledger import markdown
    from octavo.ledger import published as shelf

    again = f"`octavo run {paper.slug}`, then `octavo publish {paper.slug}`"
    lines = shelf.units(paper)
    if not lines:
        return [f"nothing is published: {again}"]
    wrong = []
    now = code_hash(paper.folder)
    if any(line.provenance.get("code") not in (now, "", None) for line in lines):
        wrong.append(f"the published records were measured by other code than today's: {again}")
    wrong.append(markdown.check_readme(paper))
    if (project := project_of(paper)) is not None:
        wrong.append(markdown.check_ledger(project / "LEDGER.md"))
    return [line for line in wrong if line]


def changelog(paper: Paper) -> list[str]:
    """The changelog names the paper; papers outside octavo have none."""
    project = project_of(paper)
    if project is None:
        return []
    path = project / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return [] if paper.slug in text else [f"CHANGELOG.md does not name {paper.slug}"]


def project_of(paper: Paper) -> Path | None:
    """The checkout that a paper belongs to; None for a paper outside octavo."""
    inside = package_root() in paper.folder.resolve().parents
    return checkout() if inside else None


def declared_examples(paper: Paper) -> list[str]:
    """Each example gives a module and its inputs."""
    from torch import nn

    wrong = []
    for name, make in examples(paper).items():
        module, inputs = make()
        if not isinstance(module, nn.Module) or not isinstance(inputs, dict):
            wrong.append(f"the example {name} gives no (module, dict of inputs)")
    return wrong


def examples(paper: Paper) -> dict[str, Any]:
    """The example modules that the paper's tests declare.

    Raises:
        OctavoError: if there are none.
    """
    from importlib.util import module_from_spec, spec_from_file_location

    path: Path = Places.of_paper(paper).tests / "furniture.py"
    if not path.is_file():
        raise OctavoError(f"{output.relative(path)} is missing: it names the example modules in EXAMPLES")
    spec = spec_from_file_location(f"furniture_of_{paper.slug}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Any] = getattr(module, "EXAMPLES", {})
    if not found:
        raise OctavoError(
            f"{output.relative(path)} has no EXAMPLES: a dict from a name to a function of no argument"
        )
    return found


def _has_parameters(thing: Any) -> bool:
    if inspect.isclass(thing):
        if "__init__" not in vars(thing):
            return False
        thing = thing.__init__
    names = [
        name
        for name, parameter in inspect.signature(thing).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return bool(set(names) - {"self"})
