"""Readers of text that others made, where they are installed: Tesseract, and the recogniser of RapidOCR."""

import functools
import logging
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from octavo.errors import Missing
from octavo.vision.crnn.processor import grey

ROOM = 10
"""Pixels of ground around a word, without which Tesseract reads little."""
TALL = 64
"""Rows that a word is brought to for Tesseract, which wants letters of some thirty."""


def tesseract(pictures: Sequence[Any], *, prepared: bool = False) -> list[str]:
    """What Tesseract's LSTM reads of pictures of one word each, in one call of the program.

    Args:
        pictures: of PIL, numpy or torch.
        prepared: give each picture what the program's makers ask for, dark letters on light, a sufficient
            height and a margin; false gives it as it is.

    Raises:
        Missing: the program is not installed.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise Missing("tesseract", "Install the program: `apt-get install tesseract-ocr`.")
    with tempfile.TemporaryDirectory() as folder:
        places = []
        for index, picture in enumerate(pictures):
            places.append(Path(folder) / f"{index:06}.png")
            levels = grey(picture, index)
            Image.fromarray(_prepared(levels) if prepared else levels).save(places[-1])
        listing = Path(folder) / "pictures.txt"
        listing.write_text("".join(f"{place}\n" for place in places))
        done = subprocess.run(
            [program, str(listing), "-", "--psm", "8", "-l", "eng"],
            capture_output=True,
            text=True,
            check=True,
            env={"OMP_THREAD_LIMIT": "1", "PATH": str(Path(program).parent)},
        )
    pages = done.stdout.split("\f")
    return [" ".join(page.split()) for page in pages[: len(places)]]


def _prepared(levels: UInt8[np.ndarray, "rows columns"]) -> UInt8[np.ndarray, "rows columns"]:
    edge = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    if np.median(edge) < levels.mean():
        levels = 255 - levels
        edge = 255 - edge
    width = max(1, round(levels.shape[1] * TALL / levels.shape[0]))
    larger = np.asarray(Image.fromarray(levels).resize((width, TALL), Image.Resampling.BICUBIC))
    return np.pad(larger, ROOM, constant_values=int(np.median(edge)))


def tesseract_bytes() -> int:
    """The size of Tesseract's English model.

    Raises:
        Missing: the program is not installed.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise Missing("tesseract", "Install the program: `apt-get install tesseract-ocr`.")
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=True).stdout
    folder = listed.partition('"')[2].partition('"')[0]
    return (Path(folder) / "eng.traineddata").stat().st_size


@functools.cache
def _rapidocr() -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise Missing("rapidocr", "Install it: `pip install 'octavo[vision-peers]'`.") from error
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    return RapidOCR(params={"Global.log_level": "error", **threads})


def rapidocr(pictures: Sequence[Any]) -> list[str]:
    """What RapidOCR's recogniser reads of pictures of one word each, its detector left out.

    Args:
        pictures: of PIL, numpy or torch.

    Raises:
        Missing: the package is not installed.
    """
    reader = _rapidocr()
    found = []
    for index, picture in enumerate(pictures):
        colour = np.repeat(grey(picture, index)[..., None], 3, axis=2)
        result = reader(colour, use_det=False, use_cls=False, use_rec=True)
        found.append("".join(result.txts or ()))
    return found


def rapidocr_bytes() -> int:
    """The size of RapidOCR's recogniser.

    Raises:
        Missing: the package is not installed.
    """
    found = find_spec("rapidocr")
    if found is None or not found.submodule_search_locations:
        raise Missing("rapidocr", "Install it: `pip install 'octavo[vision-peers]'`.")
    models = Path(found.submodule_search_locations[0]) / "models"
    return max(path.stat().st_size for path in models.glob("*rec*.onnx"))
