"""Asking for the digest, confirming the address, and leaving; the answers never tell who is subscribed."""

import hashlib
from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email

from octavo.page.digest import mails
from octavo.page.digest.postbox import Postbox, Refused
from octavo.page.settings import Settings
from octavo.page.store import Store, Subscriber
from octavo.page.tokens import CONFIRMATION, Tokens, WrongToken, hashed

CONFIRM = "confirm"
EVERY = ("day", "week")
FEWEST, MOST = 5, 20
PREFERENCES: Mapping[str, Any] = {"every": "week", "at_most": 10}


class NotAnAddress(ValueError):
    """What was typed is no e-mail address."""


def normalised(address: str) -> str:
    """An address as it is kept.

    Raises:
        NotAnAddress: it is none; the message says why.

    Example:
        >>> normalised(" Reader@Example.ORG ")
        'reader@example.org'
    """
    try:
        found = validate_email(address.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise NotAnAddress(f"That is not an e-mail address: {error}") from None
    # Hardly any host tells capitals apart; without this one person could be asked twice.
    return found.lower()


def preferences(every: str, at_most: int) -> dict[str, Any]:
    """Preferences within what is allowed."""
    return {
        "every": every if every in EVERY else PREFERENCES["every"],
        "at_most": min(MOST, max(FEWEST, at_most)),
    }


def ask(
    settings: Settings,
    store: Store,
    tokens: Tokens,
    box: Postbox,
    address: str,
    wanted: dict[str, Any],
    network: str,
) -> None:
    """Sends the link, unless the address is confirmed or was asked too often; tells nobody which.

    Args:
        settings: of the page.
        store: where subscribers are kept.
        tokens: sign the link.
        box: where the mail goes.
        address: as it was typed.
        wanted: the preferences.
        network: a hash of where the request comes from.

    Raises:
        NotAnAddress: it is none.
    """
    email = normalised(address)
    known = store.subscribers.by_email(email)
    if known is not None and known.state in ("confirmed", "suppressed"):
        return
    if not store.subscribers.may_confirm(tokens.mark("address", email), network):
        return
    token = tokens.make(CONFIRM, [hashlib.sha256(email.encode()).hexdigest()[:16], store.now()])
    store.subscribers.ask(email, hashed(token), wanted)
    try:
        box.post(mails.confirmation(settings, email, token, CONFIRMATION // 3600, store.now()))
    except Refused as error:
        # The reader may ask again; an answer that differs would tell which addresses exist.
        store.jobs.ended(
            "confirmation mail", 0.0, f"the relay refused a confirmation: {type(error).__name__}"
        )


def waiting(store: Store, tokens: Tokens, token: str) -> Subscriber:
    """The subscriber whose link this is.

    Raises:
        WrongToken: it is not the last link that was sent, it was used, or its time is over.
    """
    tokens.read(CONFIRM, token, lasts=CONFIRMATION)
    found = store.subscribers.by_token(hashed(token))
    if found is None:
        raise WrongToken
    return found


def confirm(store: Store, tokens: Tokens, token: str) -> Subscriber:
    """Confirms the address of a link, once.

    Raises:
        WrongToken: as `waiting`.
    """
    subscriber = waiting(store, tokens, token)
    if not store.subscribers.confirm(subscriber.id, hashed(token)):
        raise WrongToken
    return subscriber


def leave(store: Store, tokens: Tokens, token: str) -> None:
    """Unsubscribes the owner of a link, at once and as often as one likes.

    Raises:
        WrongToken: the link is not one of ours.
    """
    store.subscribers.leave(int(tokens.read(mails.LEAVE, token)))


def of_preferences(store: Store, tokens: Tokens, token: str) -> Subscriber:
    """The subscriber whose link to the preferences this is.

    Raises:
        WrongToken: the link is not one of ours, or the subscriber is gone.
    """
    found = store.subscribers.get(int(tokens.read(mails.PREFER, token)))
    if found is None or found.state != "confirmed":
        raise WrongToken
    return found
