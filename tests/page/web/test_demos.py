"""A picture that a demo takes may be drawn on its form, and comes to it as a file would."""

import html
import io
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw
from tests.page.web.conftest import token

from octavo.page.settings import DemoLimits

SEVEN = ((20, 20), (100, 20), (60, 150))
WHITE = Image.new("L", (640, 200), 255)


def png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def drawn() -> bytes:
    picture = WHITE.copy()
    ImageDraw.Draw(picture).line(SEVEN, fill=0, width=12, joint="curve")
    return png(picture)


def run(client: TestClient, content: bytes, slug: str = "crnn", **values: str) -> Any:
    given = {"form_token": token(client, f"/demo/{slug}"), **values}
    field = {"crnn": "image", "mgno": "picture"}[slug]
    return client.post(f"/demo/{slug}", data=given, files={field: ("drawing.png", content, "image/png")})


def test_the_form_has_a_sheet_beside_the_file(still: TestClient) -> None:
    form = still.get("/demo/crnn").text
    sheet = re.search(r'<div class="sheet"[^>]*>.*?</div>', form, re.DOTALL)
    assert sheet
    # Without a script there is nothing to draw with; the file stays.
    for part in (
        'data-file="field-image"',
        'data-pen="12"',
        """data-sets='{"kind": "digits"}'""",
        "hidden",
        'width="640" height="200" role="img" aria-label=',
        '<button type="button">Clear</button>',
    ):
        assert part in sheet[0]
    assert '<input id="field-image" type="file"' in form
    assert 'name="kind"' in form
    assert "<canvas" not in still.get("/demo/aaren").text


def test_what_was_drawn_is_read(still: TestClient) -> None:
    answer = run(still, drawn(), kind="digits")
    assert answer.status_code == 200
    assert '<pre tabindex="0">7</pre>' in answer.text


@pytest.mark.parametrize(
    ("slug", "content", "why"),
    [
        ("crnn", png(WHITE), "There are no digits in this picture"),
        ("mgno", png(WHITE), "Your picture has one level of grey only"),
        ("crnn", b"not a picture", "this file is not one"),
        ("crnn", png(Image.new("1", (3000, 3000))), "at most 4,000,000 pixels, got 3000 x 3000"),
        ("crnn", bytes(DemoLimits().upload + 1), "a file of at most 4 MB"),
    ],
)
def test_what_cannot_be_taken_is_told(still: TestClient, slug: str, content: bytes, why: str) -> None:
    answer = run(still, content, slug, kind="digits" if slug == "crnn" else "smooth")
    assert answer.status_code == 422
    assert why in html.unescape(answer.text)
    assert "/tmp" not in answer.text
