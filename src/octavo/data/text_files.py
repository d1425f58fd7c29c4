"""Reading text files of data sets, plain or compressed with gzip."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from octavo.errors import OctavoError


def lines(path: Path) -> Iterator[str]:
    """The lines of a text file without their ends.

    Args:
        path: the file; it is unpacked on the way where its name ends in `.gz`.

    Raises:
        OctavoError: the file cannot be read, is cut short, or is not text.
    """
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8") as file
        ):
            for line in file:
                yield line.rstrip("\r\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise OctavoError(f"{path}: cannot be read ({error}); put it there again") from error
