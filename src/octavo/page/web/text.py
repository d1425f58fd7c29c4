"""Titles and abstracts as HTML: text is escaped, maths becomes MathML, and nothing else passes."""

import re
from functools import lru_cache

import nh3
from latex2mathml.converter import convert
from markupsafe import Markup, escape

LONGEST_FORMULA = 400
_MATHS = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_NO_MATHS = re.compile(r"^[\s\d.,]*$|^.*\s$|^\s")
_TAGS = {
    "math",
    "mrow",
    "mi",
    "mo",
    "mn",
    "ms",
    "mtext",
    "mspace",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mmultiscripts",
    "mprescripts",
    "mfrac",
    "msqrt",
    "mroot",
    "mstyle",
    "mtable",
    "mtr",
    "mtd",
    "mpadded",
    "mphantom",
    "menclose",
}
_ATTRIBUTES = {
    "math": {"display"},
    "mo": {
        "stretchy",
        "fence",
        "form",
        "separator",
        "movablelimits",
        "minsize",
        "maxsize",
        "lspace",
        "rspace",
    },
    "mi": {"mathvariant"},
    "mspace": {"width"},
    "mfrac": {"linethickness"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtable": {"columnalign"},
}
_TEXT_COMMANDS = re.compile(r"\\(?:emph|textit|textbf|texttt|textsc|text|mbox)\{([^{}]*)\}")
_ACCENTS = {
    r"\"a": "ä", r"\"o": "ö", r"\"u": "ü", r"\"A": "Ä", r"\"O": "Ö", r"\"U": "Ü", r"\'e": "é", r"\'a": "á",
    r"\'o": "ó", r"\'i": "í", r"\`e": "è", r"\`a": "à", r"\^o": "ô", r"\^e": "ê", r"\~n": "ñ", r"\c c": "ç",
    r"\ss": "ß", r"\o": "ø", r"\l": "ł",
}  # fmt: skip
_ACCENT = re.compile(
    r"\{?("
    + "|".join(
        re.escape(each) + (r"(?![a-zA-Z])" if each[1].isalpha() else "")
        for each in sorted(_ACCENTS, key=len, reverse=True)
    )
    + r")\}?"
)


@lru_cache(maxsize=20_000)
def rich(text: str) -> Markup:
    r"""A title or an abstract as HTML.

    Example:
        >>> rich("Fast & free, in $n$ steps")
        Markup('Fast &amp; free, in <math display="inline"><mrow><mi>n</mi></mrow></math> steps')
        >>> rich("<script>alert(1)</script>")
        Markup('&lt;script&gt;alert(1)&lt;/script&gt;')
    """
    pieces: list[Markup] = []
    end = 0
    for found in _MATHS.finditer(text):
        formula = next(group for group in found.groups() if group is not None)
        dollars = found[2] is not None
        # "$5 and $6" is money.
        if len(formula) > LONGEST_FORMULA or (dollars and _NO_MATHS.match(formula) and "\\" not in formula):
            continue
        maths = _mathml(formula)
        if maths is not None:
            pieces += [_prose(text[end : found.start()]), maths]
            end = found.end()
    pieces.append(_prose(text[end:]))
    return Markup("").join(pieces)


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    r"""The same for mails, feeds and titles of windows: maths as it was written, without dollars.

    Example:
        >>> plain("in $O(n)$ steps of \\emph{one}")
        'in O(n) steps of one'
    """
    text = re.sub(r"\$([^$]{1,400}?)\$", lambda found: found[1], _words(text))
    return " ".join(text.split())


def short(text: str, letters: int = 480) -> str:
    """The beginning of an abstract, as much as a list shows of it; no formula is cut in two.

    Example:
        >>> short("We need $a + b$ steps.", 12), short("We need steps.", 12), short("We need.", 12)
        ('We need …', 'We need …', 'We need.')
    """
    if len(text) <= letters:
        return text
    begin = text[:letters].rpartition(" ")[0] or text[:letters]
    if begin.count("$") % 2:
        begin = begin[: begin.rindex("$")]
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]")):
        if begin.rfind(opening) > begin.rfind(closing):
            begin = begin[: begin.rfind(opening)]
    return begin.rstrip() + " …"


def marked(snippet: str) -> Markup:
    """A piece of text in which the words between `[[` and `]]` stand out.

    Example:
        >>> marked("a [[fast]] <method>")
        Markup('a <mark>fast</mark> &lt;method&gt;')
    """
    return Markup(str(escape(_words(snippet))).replace("[[", "<mark>").replace("]]", "</mark>"))


def _prose(text: str) -> Markup:
    return escape(_words(text))


def _words(text: str) -> str:
    """LaTeX of running text as the characters that it stands for."""
    text = _TEXT_COMMANDS.sub(r"\1", text)
    text = _ACCENT.sub(lambda found: _ACCENTS[found[1]], text) if "\\" in text else text
    return text.replace("``", "“").replace("''", "”").replace(r"\%", "%").replace(r"\&", "&")


def _mathml(formula: str) -> Markup | None:
    """A formula as MathML of known tags and attributes; None where it cannot be read."""
    try:
        written = convert(formula)
    except Exception:  # The converter has no error of its own; a formula that it cannot read stays as text.
        return None
    if "\\" in written:  # a command that it does not know
        return None
    return Markup(nh3.clean(written, tags=_TAGS, attributes=_ATTRIBUTES, link_rel=None))
