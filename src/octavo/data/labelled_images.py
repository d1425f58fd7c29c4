"""Small images with labels, as an archive of picture files keeps them."""

import io
import tarfile
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from jaxtyping import Int64, UInt8

from octavo.data.registry import Entry
from octavo.errors import Missing, OctavoError


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size, split for training and testing.

    Args:
        name: the data set's name.
        classes: a label is a position in this list.
        train, test: images, with the channels last.
        train_labels, test_labels: their classes.
    """

    name: str
    classes: tuple[str, ...] = field(repr=False)
    train: UInt8[np.ndarray, "images height width channels"] = field(repr=False)
    train_labels: Int64[np.ndarray, " images"] = field(repr=False)
    test: UInt8[np.ndarray, "others height width channels"] = field(repr=False)
    test_labels: Int64[np.ndarray, " others"] = field(repr=False)


def load_images(entry: Entry) -> LabelledImages:
    """Read an archive of `train/CLASS/NAME` and `test/CLASS/NAME`, in the order of classes and names.

    Raises:
        OctavoError: it is no such archive, or the images differ in size.
        Missing: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise Missing("pillow", "Install it: `pip install pillow`.") from error
    (place,) = entry.files.values()
    found: dict[tuple[str, str, str], np.ndarray] = {}
    try:
        with tarfile.open(place) as archive:
            for member in archive:
                parts = PurePosixPath(member.name).parts
                file = archive.extractfile(member)
                if file is not None and len(parts) >= 3 and parts[-3] in ("train", "test"):
                    with Image.open(io.BytesIO(file.read())) as image:
                        found[parts[-3], parts[-2], parts[-1]] = np.asarray(image.convert("RGB"))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise OctavoError(f"{place}: cannot be read as an archive of images ({error})") from error
    classes = tuple(sorted({name for _, name, _ in found}))
    splits = []
    for wanted in ("train", "test"):
        keys = sorted(key for key in found if key[0] == wanted)
        if not keys or len({found[key].shape for key in keys}) != 1:
            raise OctavoError(f"{place}: expected images of one size as {wanted}/CLASS/NAME")
        splits += [
            np.stack([found[key] for key in keys]),
            np.array([classes.index(key[1]) for key in keys], dtype=np.int64),
        ]
    return LabelledImages(entry.name, classes, *splits)
