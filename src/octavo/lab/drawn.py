"""What says of a demo's parameter that its picture may be drawn as well as chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Drawn:
    """Of a parameter that takes a picture's file: the page has a sheet beside it, white, with a black pen.

    Args:
        width, height: of the sheet, in pixels, and so of the picture that the demo gets.
        pen: thickness of its lines, in pixels of the sheet.
        sets: other parameters, and what the first stroke chooses for them, as the form shows it.

    Raises:
        ValueError: a size is not positive.

    Example:
        >>> from pathlib import Path
        >>> from typing import Annotated
        >>> def demo(picture: Annotated[Path | None, Drawn(256, 256, pen=24)] = None) -> dict:
        ...     "Looks at a picture."
    """

    width: int
    height: int
    pen: int
    sets: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.pen) < 1:
            raise ValueError(
                f"got width={self.width}, height={self.height}, pen={self.pen}; give 1 or more of each"
            )
