"""What happens in the process that runs a demo."""

import json
import math
import os
import shutil
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError
from octavo.page.demo.form import Form, WrongInput, arguments, form_of
from octavo.page.demo.jail import Refused, lock
from octavo.page.settings import DemoLimits
from octavo.runner.demos import apart, demo_of

LONGEST_LIST = 12


@dataclass(frozen=True)
class Shown:
    """What a demo returned, ready to be shown.

    Args:
        text: what it tells in lines of its own, "" where it does not.
        values: names and values, in order.
        figure: as PNG, None where it draws none.
        json: the values as JSON.
    """

    text: str
    values: tuple[tuple[str, str], ...]
    figure: bytes | None
    json: str


@dataclass(frozen=True)
class Failed:
    """Why there is nothing to show; `field` names the field that a person can mend."""

    why: str
    field: str = ""


def settings() -> dict[str, str]:
    """What the environment says to octavo; the server that processes come from has kept that of its start."""
    return {name: value for name, value in os.environ.items() if name.startswith("OCTAVO_")}


def describe(slugs: Sequence[str], told: Mapping[str, str], answer: Connection) -> None:
    """Sends the forms of papers, or why a paper has none, one after the other."""
    os.environ.update(told)
    for slug in slugs:
        found: Form | Failed
        try:
            found = form_of(demo_of(slug))
        except Exception as error:
            found = Failed(_line(error))
        answer.send((slug, found))
    answer.close()


def run(
    slug: str,
    values: Mapping[str, str | bytes],
    scratch: str,
    limits: DemoLimits,
    told: Mapping[str, str],
    answer: Connection,
) -> None:
    """Runs a paper's demo under lock, and sends what it returned, or why it returned nothing."""
    os.environ.update(told)
    answer.send(_result(slug, values, Path(scratch), limits))
    answer.close()


def _result(
    slug: str, values: Mapping[str, str | bytes], scratch: Path, limits: DemoLimits
) -> Shown | Failed:
    given: dict[str, Any] = {}
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        _one_thread()
        demo = demo_of(slug)
        given = arguments(demo, values, scratch, limits)
        lock(scratch, limits)
        return _shown(demo.function(**given), limits)
    except WrongInput as error:
        return Failed(error.message, error.field)
    except MemoryError:
        return Failed(f"The demo wanted more than {limits.memory >> 20:,} MB of memory.")
    except Refused as error:
        return Failed(str(error))
    except (OctavoError, ValueError, TypeError) as error:
        # The library's own errors say what came, what was expected and what to do.
        return Failed(_without_files(_line(error), given))
    except RuntimeError as error:
        if "allocate memory" in str(error) or "can't allocate" in str(error):
            return Failed(f"The demo wanted more than {limits.memory >> 20:,} MB of memory.")
        traceback.print_exc()
        return Failed(f"The demo stopped: {_line(error)}")
    except BaseException as error:
        traceback.print_exc()
        return Failed(f"The demo stopped with {type(error).__name__}.")


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _shown(result: Any, limits: DemoLimits) -> Shown:
    values, figure = apart(result)
    picture = None
    if figure is not None:
        from octavo.lab.figures import to_png

        picture = to_png(figure)
    if not isinstance(values, Mapping):
        values = {"text" if isinstance(values, str) else "result": values} if values is not None else {}
    plain = {str(name): _plain(value) for name, value in values.items()}
    text = str(plain.pop("text", ""))
    rows = tuple((name.replace("_", " "), _short(value)) for name, value in plain.items())
    written = json.dumps({"text": text, **plain} if text else plain, ensure_ascii=False)
    return Shown(
        text.strip("\n")[: limits.output],
        tuple((name, value[:2000]) for name, value in rows[:60]),
        picture,
        written if len(written) <= 10 * limits.output else "{}",
    )


def _plain(value: Any) -> Any:
    """A value in the types of JSON."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return value.name
    return _plain(value.tolist()) if hasattr(value, "tolist") else str(value)


def _short(value: Any) -> str:
    """A value on one line; a long list by its ends."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        texts = [_short(each) for each in value]
        if len(texts) > LONGEST_LIST:
            texts = [*texts[:6], "…", *texts[-3:]]
        return ", ".join(texts)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items())
    return "–" if value is None else str(value)


def _without_files(why: str, given: Mapping[str, Any]) -> str:
    """A picture's file has a name of this machine, which tells its sender nothing."""
    for value in given.values():
        if isinstance(value, Path):
            why = why.replace(str(value), "Your picture")
    return why


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:600] or type(error).__name__


def new_scratch() -> str:
    """A folder for one run."""
    return tempfile.mkdtemp(prefix="octavo-demo-")


def remove(scratch: str) -> None:
    """Removes the folder of a run."""
    shutil.rmtree(scratch, ignore_errors=True)
