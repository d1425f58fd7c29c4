"""What the page is and how it ranks, whether it is well, and what its API takes."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from octavo.page import trending
from octavo.page.web.page import Page, page_of

router = APIRouter(include_in_schema=False)
PRIVATE = ("/confirm/", "/unsubscribe/", "/preferences/", "/you", "/demo/")


@router.get("/about")
def about(request: Request, page: Page = Depends(page_of)) -> Response:
    """How the order comes about, what the verdicts mean, what is kept of readers."""
    return page.render(request, "about.html", formula=trending.FORMULA)


@router.get("/api")
def api(request: Request, page: Page = Depends(page_of)) -> Response:
    """The API for people; programs read /api/v1/openapi.json."""
    description = request.app.openapi()
    return page.render(request, "api.html", operations=_operations(description))


def _operations(description: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "text": operation.get("description", ""),
            "parameters": [
                {"name": each["name"], "where": each["in"], "text": each.get("description", "")}
                for each in operation.get("parameters", ())
            ],
        }
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


@router.get("/healthz")
def health(page: Page = Depends(page_of)) -> Response:
    """Green, or yellow with the jobs that are late."""
    late = [job.name for job in page.store.jobs.late() if job.period > 0]
    papers = page.store.papers.count()
    return JSONResponse({"state": "yellow" if late else "green", "late": late, "papers": papers})


@router.get("/robots.txt")
def robots() -> Response:
    """What programs that read the web leave alone."""
    return PlainTextResponse("User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in PRIVATE))
