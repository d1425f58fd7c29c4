import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octavo import data
from octavo.errors import OctavoError


def picture(shade: int, size: tuple[int, int] = (4, 4)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(buffer, format="JPEG", quality=100)
    return buffer.getvalue()


def pack(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_reads_an_archive(folders: Path) -> None:
    files = {f"./{split}/{name}/{n}.jpg": picture(shade + n) for split in ("train", "test")
             for name, shade in (("dog", 200), ("cat", 10)) for n in range(2)}  # fmt: skip
    pack(folders / "cifar10_jpeg" / "cifar10_jpeg_12k.tar.gz", {**files, "README.md": b"about"})
    found = data.load("CIFAR10-12k")
    assert found.classes == ("cat", "dog")
    assert found.train.shape == (4, 4, 4, 3)
    assert found.train.dtype == np.uint8
    assert found.train_labels.tolist() == [0, 0, 1, 1]
    assert np.abs(found.test[:, 0, 0, 0].astype(int) - [10, 11, 200, 201]).max() <= 2
    assert len(data.load("CIFAR10-12k", every=2).train) == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train/cat/0.jpg": picture(1)}, "expected images of one size as test/CLASS/NAME"),
        ({"train/cat/0.jpg": picture(1), "train/cat/1.jpg": picture(1, (5, 4))}, "one size as train"),
        ({"train/cat/0.jpg": b"no picture"}, "cannot be read as an archive of images"),
    ],
)
def test_says_what_is_wrong(folders: Path, files: dict[str, bytes], message: str) -> None:
    pack(folders / "cifar10_jpeg" / "cifar10_jpeg_12k.tar.gz", files)
    with pytest.raises(OctavoError, match=message):
        data.load("CIFAR10-12k")


def write_imagenet(folder: Path) -> None:
    pictures = folder / "ILSVRC" / "Data" / "CLS-LOC"
    for name, shade in (("n01", 10), ("n02", 200)):
        (pictures / "train" / name).mkdir(parents=True)
        (pictures / "train" / name / f"{name}_7.JPEG").write_bytes(picture(shade, (40, 20)))
    (pictures / "val").mkdir()
    (pictures / "val" / "v1.JPEG").write_bytes(picture(100, (9, 30)))
    (folder / "LOC_synset_mapping.txt").write_text("n01 tench, Tinca\nn02 goldfish\n")
    (folder / "LOC_val_solution.csv").write_text("ImageId,PredictionString\nv1,n02 1 2 3 4 n02 5 6 7 8\n")


def test_finds_the_pictures_of_imagenet(folders: Path) -> None:
    write_imagenet(folders / "imagenet")
    found = data.load("ImageNet")
    assert found.classes == ("n01", "n02")
    assert found.train.labels.tolist() == [0, 1]
    assert found.test.labels.tolist() == [1]
    assert found.train.read(1, 8).shape == (8, 8, 3)
    assert found.test.read(0, 8).shape == (8, 8, 3)


def test_says_what_is_wrong_with_imagenet(folders: Path) -> None:
    folder = folders / "imagenet"
    write_imagenet(folder)
    (folder / "LOC_val_solution.csv").write_text("ImageId,PredictionString\nv1,n03 1 2 3 4\n")
    with pytest.raises(OctavoError, match="names no class of the mapping"):
        data.load("ImageNet")
    (folder / "LOC_synset_mapping.txt").write_text("n09 nothing\n")
    with pytest.raises(OctavoError, match="found none; unpack the archive"):
        data.load("ImageNet")
