"""The example page that `make agenda-build` makes, as the demo serves it at `/agenda`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.web.explorer import STATIC

BUILT = STATIC / "agenda"
PATH = "/agenda"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class PageFiles(StaticFiles):
    """A folder's files, which may load one another and nothing else."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """One of them."""
        response = super().file_response(*args, **options)
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        return response


def built(folder: Path = BUILT) -> Path | None:
    """The folder of the built page; None where it was not built."""
    return folder if (folder / "index.html").exists() else None


def routes(folder: Path) -> list[BaseRoute]:
    """Where the page is found."""
    return [Route(PATH, to_page), Mount(PATH, PageFiles(directory=folder, html=True))]


async def to_page(_: Request) -> Response:
    """Leads to the page, whose links are relative."""
    return RedirectResponse("agenda/")
