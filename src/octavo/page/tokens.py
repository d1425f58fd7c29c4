"""Signed tokens: each for one purpose, most of them for a time; what is stored of a token is its hash."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

CONFIRMATION = 48 * 3600
"""Seconds for which the link that confirms an address is good."""


class WrongToken(Exception):
    """A token that was not made here, or for something else, or was changed."""


class ExpiredToken(WrongToken):
    """A token whose time is over."""


class Tokens:
    """Makes and reads tokens.

    Args:
        secret: what they are signed with.
        now: seconds since 1970.

    Example:
        >>> tokens = Tokens("s" * 32, lambda: 1000.0)
        >>> tokens.read("confirm", tokens.make("confirm", 7), lasts=60)
        7
    """

    def __init__(self, secret: str, now: Callable[[], float]) -> None:
        self._secret = secret
        self._now = now

    def make(self, purpose: str, value: Any) -> str:
        """A token that says `value`, for `purpose` alone."""
        return self._serializer(purpose).dumps(value).rstrip("=")

    def read(self, purpose: str, token: str, lasts: float | None = None) -> Any:
        """What a token says.

        Args:
            purpose: what it must have been made for.
            token: as `make` gave it.
            lasts: seconds for which it is good; None for always.

        Raises:
            ExpiredToken: it is older than that.
            WrongToken: it is not one of ours for this purpose.
        """
        try:
            return self._serializer(purpose).loads(token, max_age=None if lasts is None else int(lasts))
        except SignatureExpired:
            raise ExpiredToken from None
        except BadSignature:
            raise WrongToken from None

    def mark(self, purpose: str, text: str) -> str:
        """A signature of a text, for comparing: the other half of a form's token."""
        key = hashlib.sha256(f"{purpose}:{self._secret}".encode()).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def matches(self, purpose: str, text: str, mark: str) -> bool:
        """Whether `mark` is the signature of `text`, in a time that tells nothing."""
        return hmac.compare_digest(self.mark(purpose, text).encode(), mark.encode())

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        serializer = URLSafeTimedSerializer(self._secret, salt=f"octavo.page.{purpose}")
        now = self._now

        class Signer(serializer.default_signer):  # type: ignore[name-defined]
            def get_timestamp(self) -> int:
                return int(now())

        serializer.signer = Signer
        return serializer


def hashed(token: str) -> str:
    """What is stored of a token.

    Example:
        >>> len(hashed("token"))
        64
    """
    return hashlib.sha256(token.encode()).hexdigest()
