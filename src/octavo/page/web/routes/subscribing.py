"""The digest: subscribe, confirm, change what one gets, leave."""

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from octavo.errors import OctavoError
from octavo.page.digest import subscribing
from octavo.page.tokens import ExpiredToken, WrongToken
from octavo.page.web.page import Page, page_of

router = APIRouter(include_in_schema=False)
OLD = "This link is too old. Subscribe again and a new one will come."
USED = "This link was used already, or it is not whole. Subscribe again and a new one will come."


@router.get("/subscribe")
def form(request: Request, page: Page = Depends(page_of)) -> Response:
    """The form."""
    return page.render(request, "subscribe.html", asked=False, error="", email="")


@router.post("/subscribe")
def subscribe(
    request: Request,
    email: str = Form("", max_length=400),
    every: str = Form("week", max_length=8),
    at_most: int = Form(10),
    form_token: str = Form(""),
    page: Page = Depends(page_of),
) -> Response:
    """Takes an address; the answer is the same whether it is known or not."""
    page.check_form(request, form_token)
    page.allow(request, "subscribe", page.settings.limits.subscribe)
    try:
        subscribing.ask(
            page.settings,
            page.store,
            page.tokens,
            page.postbox,
            email,
            subscribing.preferences(every, at_most),
            page.network(request),
        )
    except subscribing.NotAnAddress as error:
        return page.render(request, "subscribe.html", 422, asked=False, error=str(error), email=email)
    return page.render(request, "subscribe.html", asked=True, error="", email="")


@router.get("/confirm/{token}")
def confirm_form(token: str, request: Request, page: Page = Depends(page_of)) -> Response:
    """A button: programs that open links in mails confirm nothing."""
    try:
        subscribing.waiting(page.store, page.tokens, token)
    except WrongToken as error:
        return page.render(request, "message.html", 410, title="This link is over", text=_why(error))
    return page.render(request, "confirm.html", token=token)


@router.post("/confirm/{token}")
def confirm(
    token: str, request: Request, form_token: str = Form(""), page: Page = Depends(page_of)
) -> Response:
    """Confirms the address, once."""
    page.check_form(request, form_token)
    try:
        subscriber = subscribing.confirm(page.store, page.tokens, token)
    except WrongToken as error:
        return page.render(request, "message.html", 410, title="This link is over", text=_why(error))
    every = "day" if subscriber.preferences.get("every") == "day" else "week"
    return page.render(
        request,
        "message.html",
        title="You are subscribed",
        text=f"The digest comes every {every}. Every mail has a link to leave.",
    )


@router.get("/unsubscribe/{token}")
def leave_form(token: str, request: Request, page: Page = Depends(page_of)) -> Response:
    """A button, for those who open the link in a browser."""
    return page.render(request, "unsubscribe.html", token=token)


@router.post("/unsubscribe/{token}")
def leave(token: str, request: Request, page: Page = Depends(page_of)) -> Response:
    """Unsubscribes at once. The token is all it takes: mail programs send this by themselves (RFC 8058)."""
    try:
        subscribing.leave(page.store, page.tokens, token)
    except (WrongToken, ValueError, TypeError):
        raise HTTPException(404, "This link is not one of ours.") from None
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("You are unsubscribed.")
    return page.render(
        request, "message.html", title="You are unsubscribed", text="No further mail will come."
    )


@router.get("/preferences/{token}")
def preferences_form(token: str, request: Request, page: Page = Depends(page_of)) -> Response:
    """What a subscriber gets."""
    try:
        subscriber = subscribing.of_preferences(page.store, page.tokens, token)
    except WrongToken:
        raise HTTPException(404, "This link is not one of ours, or you have left.") from None
    follows = page.store.readers.follows(subscriber.subject)
    wanted = {**subscribing.PREFERENCES, **subscriber.preferences}
    return page.render(request, "preferences.html", token=token, wanted=wanted, follows=follows)


@router.post("/preferences/{token}")
def prefer(
    token: str,
    request: Request,
    every: str = Form("week", max_length=8),
    at_most: int = Form(10),
    kind: str = Form("search", max_length=16),
    value: str = Form("", max_length=400),
    unfollow: int | None = Form(None),
    form_token: str = Form(""),
    page: Page = Depends(page_of),
) -> Response:
    """Changes it."""
    page.check_form(request, form_token)
    page.allow(request, "write", page.settings.limits.write)
    try:
        subscriber = subscribing.of_preferences(page.store, page.tokens, token)
    except WrongToken:
        raise HTTPException(404, "This link is not one of ours, or you have left.") from None
    if unfollow is not None:
        page.store.readers.unfollow(subscriber.subject, unfollow)
    else:
        page.store.subscribers.prefer(subscriber.id, subscribing.preferences(every, at_most))
        if value.strip():
            try:
                page.store.readers.follow(subscriber.subject, kind, value)  # type: ignore[arg-type]
            except OctavoError as error:
                raise HTTPException(422, str(error)) from None
    return RedirectResponse(f"/preferences/{token}", 303)


def _why(error: WrongToken) -> str:
    return OLD if isinstance(error, ExpiredToken) else USED
