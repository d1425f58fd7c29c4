"""The mails, as text and as HTML: the one that asks for confirmation, and the digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from octavo.page.settings import Settings
from octavo.page.tokens import Tokens, hashed
from octavo.page.web import strips, text

HERE = Path(__file__).parent / "templates"
LEAVE, PREFER = "leave", "prefer"
# Folded at 78 letters, a long link would become an encoded word, which no mail program reads as a link.
UNFOLDED = SMTP.clone(max_line_length=990)


@dataclass(frozen=True)
class Item:
    """A paper as the digest tells it.

    Args:
        verdicts: how many claims have which verdict, in words; "" for a paper that does not run here.
        why: what this subscriber follows that brings it; "" for what is trending.
    """

    title: str
    url: str
    authors: str
    summary: str
    verdicts: str = ""
    why: str = ""


def confirmation(settings: Settings, to: str, token: str, hours: int, now: float) -> EmailMessage:
    """The mail with the link that confirms an address."""
    link = f"{settings.url}/confirm/{token}"
    values = {"link": link, "hours": hours, "contact": settings.mail.contact, "site": settings.url}
    return _mail(settings, to, "Confirm your octavo digest", "confirmation", values, now, token)


def digest(
    settings: Settings,
    tokens: Tokens,
    subscriber: int,
    to: str,
    subject: str,
    items: Sequence[Item],
    now: float,
    key: str,
) -> EmailMessage:
    """One digest for one subscriber.

    Args:
        settings: of the page.
        tokens: sign the links that unsubscribe and change preferences.
        subscriber: its number.
        to: its address.
        subject: of the mail.
        items: the papers.
        now: seconds since 1970.
        key: names the mail, so that the same mail has the same Message-ID.
    """
    leave = f"{settings.url}/unsubscribe/{tokens.make(LEAVE, subscriber)}"
    values = {
        "subject": subject,
        "items": items,
        "leave": leave,
        "preferences": f"{settings.url}/preferences/{tokens.make(PREFER, subscriber)}",
        "contact": settings.mail.contact,
        "site": settings.url,
    }
    message = _mail(settings, to, subject, "digest", values, now, key)
    _, sender = parseaddr(settings.mail.sender)
    message["List-Unsubscribe"] = f"<{leave}>, <mailto:{sender}?subject=unsubscribe>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["List-Id"] = f"octavo digest <digest.{settings.host.partition(':')[0]}>"
    return message


def late(settings: Settings, jobs: Sequence[dict[str, str]], now: float) -> EmailMessage:
    """The mail that tells the owner of jobs that are late.

    Args:
        settings: of the page; its owner gets the mail.
        jobs: `name`, `at` and `error` of each.
        now: seconds since 1970.
    """
    subject = f"octavo: {', '.join(job['name'] for job in jobs)} late"
    values = {"jobs": jobs, "site": settings.url}
    return _mail(settings, settings.mail.owner, subject, "late", values, now, f"{now} {subject}")


def _mail(
    settings: Settings, to: str, subject: str, template: str, values: dict[str, Any], now: float, key: str
) -> EmailMessage:
    message = EmailMessage(policy=UNFOLDED)
    name, sender = parseaddr(settings.mail.sender)
    user, _, host = sender.rpartition("@")
    message["From"] = Address(name, user, host)
    # The header registry refuses line breaks in an address.
    message["To"] = Address(addr_spec=to)
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = f"<{hashed(f'{settings.secret} {template} {key}')[:32]}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_templates(True).get_template(f"{template}.txt").render(values))
    message.add_alternative(_templates(False).get_template(f"{template}.html").render(values), subtype="html")
    return message


@cache
def _templates(of_text: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=not of_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(plain=text.plain, kind=strips.kind)
    return environment
