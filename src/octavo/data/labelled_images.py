"""Small images with labels, as an archive of picture files keeps them."""

import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from octavo.data.registry import Entry
from octavo.data.text_files import lines
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


def load_images(entry: Entry, *, every: int = 1) -> LabelledImages:
    """Read an archive of `train/CLASS/NAME` and `test/CLASS/NAME`, in the order of classes and names.

    Args:
        every: of the files as the archive has them, take every n-th only.

    Raises:
        OctavoError: it is no such archive, or the images differ in size.
        Missing: Pillow is not installed.
    """
    Image = _pillow()
    (place,) = entry.files.values()
    found: dict[tuple[str, str, str], np.ndarray] = {}
    try:
        with tarfile.open(place) as archive:
            for member in [each for each in archive if each.isfile()][::every]:
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


@dataclass(frozen=True)
class ImageFiles:
    """Files of pictures of any size, read one at a time.

    Args:
        paths: where they lie.
        labels: their classes.
    """

    paths: tuple[Path, ...] = field(repr=False)
    labels: Int64[np.ndarray, " images"] = field(repr=False)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, row: int, size: int) -> UInt8[np.ndarray, "size size 3"]:
        """The middle of a picture, its shorter side brought to `size` first.

        Raises:
            OctavoError: the file is no picture.
        """
        Image = _pillow()
        try:
            with Image.open(self.paths[row]) as image:
                scale = size / min(image.size)
                width, height = (max(size, round(side * scale)) for side in image.size)
                shrunk = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
        except OSError as error:
            raise OctavoError(f"{self.paths[row]}: is no picture ({error})") from error
        left, top = (width - size) // 2, (height - size) // 2
        return np.asarray(shrunk.crop((left, top, left + size, top + size)))


@dataclass(frozen=True)
class ImageFolders:
    """A classification of pictures that stay on disk.

    Args:
        name: the data set's name.
        classes: a label is a position in this list.
        train, test: the pictures.
    """

    name: str
    classes: tuple[str, ...] = field(repr=False)
    train: ImageFiles
    test: ImageFiles


def load_imagenet(entry: Entry) -> ImageFolders:
    """Find ImageNet's pictures as its archive is unpacked: a folder a class, and a table for validation.

    Raises:
        OctavoError: a folder is absent, or the table names a class that there is not.
    """
    places = entry.files
    root = places["LOC_synset_mapping.txt"].parent
    pictures = root / "ILSVRC" / "Data" / "CLS-LOC"
    classes = tuple(line.split(" ")[0] for line in lines(places["LOC_synset_mapping.txt"]) if line)
    number = {name: place for place, name in enumerate(classes)}
    train = [
        (path, number[name])
        for name in classes
        for path in sorted((pictures / "train" / name).glob("*.JPEG"))
    ]
    if not train:
        raise OctavoError(
            f"{pictures / 'train'}: expected CLASS/NAME.JPEG, found none; unpack the archive here"
        )
    test = []
    for line in list(lines(places["LOC_val_solution.csv"]))[1:]:
        image, _, told = line.partition(",")
        name = told.split(" ")[0]
        if name not in number:
            raise OctavoError(f"{places['LOC_val_solution.csv']}: {line!r} names no class of the mapping")
        test.append((pictures / "val" / f"{image}.JPEG", number[name]))

    def files(rows: list[tuple[Path, int]]) -> ImageFiles:
        return ImageFiles(
            tuple(path for path, _ in rows), np.array([label for _, label in rows], dtype=np.int64)
        )

    return ImageFolders(entry.name, classes, files(train), files(test))


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise Missing("pillow", "Install it: `pip install pillow`.") from error
    return Image
