"""An endless supply of rendered text lines: many fonts, grounds and distortions, all drawn from a seed."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 48
"""Points at which letters are drawn, before the line is brought to its height."""
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Line(NamedTuple):
    """A rendered line.

    Args:
        picture: grey levels.
        text: what stands on it.
    """

    picture: UInt8[np.ndarray, "rows columns"]
    text: str


@functools.cache
def fonts_everywhere() -> tuple[Path, ...]:
    """The fonts with all Latin letters and digits that matplotlib brings."""
    import matplotlib

    own = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return tuple(path for path in sorted(own.glob("*.ttf")) if _writes_latin(path))


@functools.cache
def fonts_of_this_machine() -> tuple[Path, ...]:
    """Those fonts, and all that are installed."""
    from matplotlib.font_manager import findSystemFonts

    installed = sorted({Path(path) for path in findSystemFonts() if path.lower().endswith((".ttf", ".otf"))})
    return (*fonts_everywhere(), *(path for path in installed if _writes_latin(path)))


def _writes_latin(path: Path) -> bool:
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(path, lazy=True) as font:
            known = font.getBestCmap() or {}
            symbols = bool(font["OS/2"].panose.bFamilyType == 5) if "OS/2" in font else False
    except (TTLibError, OSError, AssertionError, KeyError):
        return False
    return not symbols and all(ord(letter) in known for letter in LETTERS)


@functools.lru_cache(maxsize=2048)
def _font(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), SIZE)


class TextRenderer:
    """Draws texts as they look on signs, labels and screens.

    Each line has a font, size, margins, spacing and slant of its own, dark on light or light on dark, on a
    plain, shaded or restless ground; then it is turned, bent, blurred, coarsened and made noisy.

    Args:
        fonts: files of fonts; by default those that matplotlib brings, which are the same on every machine.
            `fonts_of_this_machine` gives many more.
        height: rows of a picture.
        strength: of the worst distortions, 0 for clean print alone, 1 for scenes; each line draws its own.

    Raises:
        ValueError: no font, or a strength outside 0 to 1.

    Example:
        >>> line = TextRenderer()("octavo", np.random.default_rng(0))
        >>> line.picture.shape[0], line.text
        (32, 'octavo')
    """

    def __init__(
        self, fonts: Sequence[Path] | None = None, *, height: int = 32, strength: float = 1.0
    ) -> None:
        self.fonts = tuple(fonts) if fonts is not None else fonts_everywhere()
        if not self.fonts or not 0 <= strength <= 1:
            raise ValueError(
                f"got {len(self.fonts)} fonts and strength={strength}; give at least one, and 0 to 1"
            )
        self.height, self.strength = height, strength

    def __call__(self, text: str, random: np.random.Generator) -> Line:
        """Draws one line.

        Args:
            text: what to draw.
            random: decides everything about its looks.
        """
        # Clean lines among the rest are what a training begins to read with.
        strength = self.strength * random.random()
        ink = self._bent(self._ink(text, strength, random), strength, random)
        return Line(_worn(_coloured(ink, strength, random), strength, random), text)

    def _ink(
        self, text: str, strength: float, random: np.random.Generator
    ) -> UInt8[np.ndarray, "rows columns"]:
        """The letters as coverage, twice as high as the picture will be, cut near their edges."""
        font = _font(self.fonts[random.integers(len(self.fonts))])
        spacing = random.integers(1, 9) if random.random() < 0.2 * strength else 0
        stroke = int(random.random() < 0.15 * strength)
        if spacing:
            widths = [font.getlength(letter) for letter in text]
            width = sum(widths) + spacing * len(text)
        else:
            width = font.getlength(text)
        canvas = Image.new("L", (int(width) + 80, 150))
        draw = ImageDraw.Draw(canvas)
        if spacing:
            at = 40.0
            for letter, advance in zip(text, widths, strict=True):
                draw.text((at, 40), letter, fill=255, font=font, stroke_width=stroke)
                at += advance + spacing
        else:
            draw.text((40, 40), text, fill=255, font=font, stroke_width=stroke)
        box = canvas.getbbox() or (40, 40, 60, 90)
        size = box[3] - box[1]
        # Lower-case words without ascenders would fill the picture; crops of scenes do that half of the time.
        loose = random.uniform(0.0, 0.22, size=4) * size
        return np.asarray(
            canvas.crop(
                (
                    int(box[0] - loose[0]),
                    int(box[1] - loose[1]),
                    int(np.ceil(box[2] + loose[2])),
                    int(np.ceil(box[3] + loose[3])),
                )
            )
        )

    def _bent(
        self, ink: UInt8[np.ndarray, "rows columns"], strength: float, random: np.random.Generator
    ) -> UInt8[np.ndarray, "height width"]:
        """Slant, turn, perspective and stretch in one sampling, at the height of the picture."""
        rows, columns = ink.shape
        stretch = np.exp(random.normal(0, 0.18 * strength))
        width = int(np.clip(round(columns * self.height / rows * stretch), 12, 2000))
        turn = random.normal(0, 0.035 * strength) if random.random() < 0.6 else 0.0
        slant = random.normal(0, 0.18 * strength) if random.random() < 0.4 else 0.0
        keystone = random.normal(0, 0.10 * strength) if random.random() < 0.4 else 0.0
        # Where a corner of the picture comes from, in units of the ink's height.
        half = columns / rows / 2
        lift = np.clip(turn * half, -0.3, 0.3)
        corners = np.array([[-half, -0.5], [-half, 0.5], [half, 0.5], [half, -0.5]])
        corners[:, 0] += slant * corners[:, 1]
        corners[:, 1] += lift * corners[:, 0] / half
        corners[:, 1] *= 1 + keystone * corners[:, 0] / half
        # Grow the field of view so that no letter leaves the picture.
        grow = 1 + 2 * abs(lift) + abs(keystone)
        corners[:, 1] *= grow
        corners[:, 0] *= 1 + abs(slant) / max(2 * half, 1)
        pixels = (corners + np.array([half, 0.5])) * rows
        bent = Image.fromarray(ink).transform(
            (width, self.height),
            Image.Transform.QUAD,
            tuple(float(value) for value in pixels.flatten()),
            Image.Resampling.BICUBIC,
        )
        levels = np.asarray(bent)
        if random.random() < 0.15 * strength:
            return waved(levels, random)
        return levels


def _coloured(
    ink: UInt8[np.ndarray, "height width"], strength: float, random: np.random.Generator
) -> Float[np.ndarray, "height width"]:
    """Letters of one level on a ground of another."""
    cover = ink.astype(np.float32) / 255
    contrast = random.uniform(max(0.25, 1 - 0.75 * strength), 1.0) * 255
    low = random.uniform(0, 255 - contrast)
    dark, light = low, low + contrast
    ground, level = (light, dark) if random.random() < 0.55 else (dark, light)
    picture = np.full(cover.shape, ground, np.float32)
    letters = np.full(cover.shape, level, np.float32)
    if random.random() < 0.6 * strength:
        picture += clouds(cover.shape, random) * random.uniform(0.05, 0.45) * contrast
    if random.random() < 0.2 * strength:
        shift = random.integers(-2, 3, size=2)
        shadow = np.roll(cover, shift, (0, 1))
        picture += shadow * random.uniform(-0.6, 0.6) * contrast
    if random.random() < 0.12 * strength:
        wide = np.asarray(Image.fromarray(ink).filter(ImageFilter.MaxFilter(3)), np.float32) / 255
        picture += wide * (random.uniform(0, 255) - picture) * 0.8
    if random.random() < 0.3 * strength:
        letters += clouds(cover.shape, random) * 0.25 * contrast
    return picture + cover * (letters - picture)


def _worn(
    picture: Float[np.ndarray, "height width"], strength: float, random: np.random.Generator
) -> UInt8[np.ndarray, "height width"]:
    """Blur, coarse pixels, light and noise."""
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if random.random() < 0.35 * strength:
        share = random.uniform(0.35, 0.8)
        small = (max(6, int(image.width * share)), max(10, int(image.height * share)))
        image = image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BICUBIC)
    elif random.random() < 0.4 * strength:
        image = image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.4, 1.3))))
    levels = np.asarray(image, np.float32)
    if random.random() < 0.6 * strength:
        noise = random.standard_normal(levels.shape, np.float32)
        levels = levels + noise * np.float32(random.uniform(1, 18))
    return np.clip(levels, 0, 255).astype(np.uint8)


def clouds(shape: tuple[int, ...], random: np.random.Generator) -> Float[np.ndarray, "height width"]:
    """A slow change of light from -1 to 1: a ramp, or blobs.

    Args:
        shape: of the picture.
        random: decides how.
    """
    rows, columns = (2, 2) if random.random() < 0.4 else (random.integers(2, 6), random.integers(3, 14))
    coarse = Image.fromarray(random.uniform(-1, 1, size=(int(rows), int(columns))).astype(np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def waved(
    levels: UInt8[np.ndarray, "height width"], random: np.random.Generator, most: float = 0.12
) -> UInt8[np.ndarray, "height width"]:
    """The line on an arc, or on a wave: columns slide up and down.

    Args:
        levels: of the picture.
        random: decides how.
        most: of the height that a column slides.
    """
    height, width = levels.shape
    phase, turns = random.uniform(0, 2 * np.pi), random.uniform(0.3, 1.0)
    slide = np.round(
        random.uniform(1, most * height) * np.sin(phase + turns * 2 * np.pi * np.arange(width) / width)
    )
    rows = (np.arange(height)[:, None] + slide[None].astype(int)).clip(0, height - 1)
    return levels[rows, np.arange(width)[None]]


class TextSource:
    """Draws texts: words in any case, numbers, and strings without meaning.

    Args:
        words: to draw from; strings without meaning alone if there are none.
        alphabet: characters that may occur.
        longest: characters of the longest text.

    Example:
        >>> source = TextSource(["paper", "library"], "0-9a-z", longest=12)
        >>> text = source(np.random.default_rng(0))
        >>> set(text) <= set("0123456789abcdefghijklmnopqrstuvwxyz") and len(text) <= 12
        True
    """

    def __init__(self, words: Sequence[str], alphabet: str, *, longest: int = 22) -> None:
        from octavo.vision.crnn.alphabet import expand

        self.characters = expand(alphabet)
        self.words, self.longest = tuple(words), longest
        self._cased = any(letter.isupper() for letter in self.characters)
        self._allowed = frozenset(self.characters)
        self._letters = [letter for letter in self.characters if letter.isalnum()] or list(self.characters)
        self._marks = [mark for mark in self.characters if not mark.isalnum() and mark != " "]

    def __call__(self, random: np.random.Generator) -> str:
        """Draws one text of at least one character.

        Args:
            random: decides which.
        """
        kinds: tuple[tuple[float, Callable[[np.random.Generator], str]], ...] = (
            (0.62, self._word),
            (0.74, self._number),
            (0.87, self._string),
            (0.93, self._punctuated),
            (1.0, self._phrase),
        )
        while True:
            draw = random.random()
            text = next(make for limit, make in kinds if draw <= limit)(random)
            text = "".join(letter for letter in text if letter in self._allowed)[: self.longest].strip()
            if text:
                return text

    def _word(self, random: np.random.Generator) -> str:
        if not self.words:
            return self._string(random)
        # Of two words the shorter: text in scenes is shorter than a dictionary's words.
        word = min((self.words[random.integers(len(self.words))] for _ in range(2)), key=len)
        if not self._cased:
            return word.lower()
        draw = random.random()
        return word.upper() if draw < 0.4 else word.capitalize() if draw < 0.65 else word

    def _number(self, random: np.random.Generator) -> str:
        digits = "".join(str(digit) for digit in random.integers(0, 10, size=random.integers(1, 8)))
        if self._marks and random.random() < 0.4:
            at = int(random.integers(1, len(digits) + 1))
            digits = digits[:at] + ".,-:/%"[random.integers(6)] + digits[at:]
        return digits

    def _string(self, random: np.random.Generator) -> str:
        chosen = random.integers(len(self._letters), size=random.integers(1, 8))
        text = "".join(self._letters[index] for index in chosen)
        return text.upper() if self._cased and random.random() < 0.6 else text

    def _punctuated(self, random: np.random.Generator) -> str:
        if not self._marks:
            return self._word(random)
        mark = self._marks[random.integers(len(self._marks))]
        word = self._word(random)
        at = [0, len(word), len(word), len(word), int(random.integers(len(word) + 1))][random.integers(5)]
        return word[:at] + mark + word[at:]

    def _phrase(self, random: np.random.Generator) -> str:
        return " ".join(self._word(random) for _ in range(random.integers(2, 4)))
