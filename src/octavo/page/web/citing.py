"""How to cite a paper, and what was measured of it."""

import re
from datetime import UTC, datetime

from octavo.page.store import ListedPaper
from octavo.page.web.text import plain


def bibtex(paper: ListedPaper) -> str:
    """The entry of a paper.

    Example:
        >>> paper = ListedPaper("2405.13956", "Attention as an RNN", "", ("Leo Feng",), published="2024")
        >>> print(bibtex(paper))
        @misc{feng2024attention,
          title = {{Attention as an RNN}},
          author = {Leo Feng},
          year = {2024},
          eprint = {2405.13956},
          archivePrefix = {arXiv},
        }
    """
    lines = [
        f"  title = {{{{{_safe(paper.title)}}}}},",
        f"  author = {{{' and '.join(map(_safe, paper.authors))}}},",
        f"  year = {{{paper.published[:4]}}},",
    ]
    if re.fullmatch(r"\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7}", paper.id):
        lines += [f"  eprint = {{{paper.id}}},", "  archivePrefix = {arXiv},"]
    elif paper.url:
        lines.append(f"  url = {{{_safe(paper.url)}}},")
    return "\n".join([f"@misc{{{_key(paper)},", *lines, "}"])


def ledger_bibtex(paper: ListedPaper, url: str, now: float) -> str:
    """The entry of a paper's ledger: what octavo measured of its claims.

    Args:
        paper: the paper.
        url: where its ledger is read.
        now: seconds since 1970, the day of reading.
    """
    day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    return "\n".join(
        [
            f"@misc{{octavo_{paper.slug},",
            f"  title = {{{{The claims of “{_safe(paper.title)}”, measured}}}},",
            "  author = {{The octavo authors}},",
            f"  year = {{{day[:4]}}},",
            f"  url = {{{url}}},",
            f"  note = {{Read on {day}}},",
            "}",
        ]
    )


def _key(paper: ListedPaper) -> str:
    name = (
        re.sub(r"[^a-z]", "", paper.authors[0].split()[-1].lower())
        if paper.authors and paper.authors[0]
        else ""
    )
    word = next((each for each in re.findall(r"[a-z]{4,}", plain(paper.title).lower())), "paper")
    return f"{name or 'anonymous'}{paper.published[:4]}{word}"


def _safe(text: str) -> str:
    """A text that cannot close the braces it stands in."""
    text = " ".join(text.split())
    return text if text.count("{") == text.count("}") else text.replace("{", "").replace("}", "")
