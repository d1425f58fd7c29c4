"""Where mails are put: a relay over SMTP, or a folder of .eml files."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from octavo.errors import OctavoError
from octavo.page.settings import MailSettings

TIMEOUT = 30.0
LOCAL = ("localhost", "127.0.0.1", "::1")


class Refused(Exception):
    """The relay does not take the mail; `for_good` says whether another try makes sense."""

    def __init__(self, why: str, for_good: bool) -> None:
        super().__init__(why)
        self.for_good = for_good


class Postbox(Protocol):
    """Takes mails."""

    def post(self, message: EmailMessage) -> None:
        """Hands one mail over; when this returns it is on its way.

        Raises:
            Refused: it is not.
        """
        ...


def postbox(settings: MailSettings) -> Postbox:
    """The postbox that the settings name.

    Raises:
        OctavoError: the address of the relay cannot be read.
    """
    return Relay.at(settings.smtp) if settings.smtp else Folder(settings.folder)


@dataclass(frozen=True)
class Folder:
    """Writes each mail into a file of its own, which a mail program opens."""

    path: Path

    def post(self, message: EmailMessage) -> None:
        """Writes it."""
        self.path.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns()}.eml"
        waiting = self.path / f".{name}"
        waiting.write_bytes(bytes(message))
        waiting.rename(self.path / name)


@dataclass(frozen=True)
class Relay:
    """Hands mails to a relay over SMTP, encrypted unless it is on this machine."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: bool = False

    @classmethod
    def at(cls, url: str) -> "Relay":
        """The relay of an address such as `smtp://user:password@host:587`; `smtps` is TLS from the start."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise OctavoError(
                "OCTAVO_PAGE_SMTP cannot be read; expected such as smtp://user:password@mail.example.org:587"
            )
        port = parts.port or (465 if parts.scheme == "smtps" else 587)
        return cls(
            parts.hostname,
            port,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            parts.scheme == "smtps",
        )

    def post(self, message: EmailMessage) -> None:
        """Hands it over."""
        asyncio.run(self._post(message))

    async def _post(self, message: EmailMessage) -> None:
        import aiosmtplib

        local = self.host in LOCAL
        try:
            await aiosmtplib.send(
                # As bytes: the library would fold the headers anew, and links with them.
                bytes(message),
                sender=parseaddr(message["From"])[1],
                recipients=[parseaddr(message["To"])[1]],
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password or None,
                use_tls=self.tls,
                start_tls=None if local or self.tls else True,
                tls_context=ssl.create_default_context() if not local else None,
                validate_certs=not local,
                timeout=TIMEOUT,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [each.code for each in error.recipients]
            raise Refused(str(error), all(code >= 500 for code in codes)) from None
        except aiosmtplib.SMTPResponseException as error:
            # 4xx may do later; a relay that refuses our login will not be kinder to another address.
            unkind = isinstance(error, aiosmtplib.SMTPAuthenticationError)
            raise Refused(f"{error.code} {error.message}", error.code >= 500 and not unkind) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Refused(f"{type(error).__name__}: {error}", False) from None
