"""GraphiQL, served by the gateway itself: nothing of it comes from another host."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import html
import logging
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from gateway.web.http_errors import HTTPError
from gateway.web.negotiation import takes_encoding
from gateway.web.request import RequestHeaders
from gateway.web.response import matches_etag

log = logging.getLogger(__name__)

FOLDER = Path(__file__).with_name("page")
PREFIX = "/graphql/assets"
FOR_EVER = "public, max-age=31536000, immutable"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; connect-src 'self'; "
    "font-src 'self' data:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""CodeMirror and React set inline styles; nothing else is inline."""

STATIC = Path(__file__).with_name("static")
FILES = ("react.js", "react-dom.js", "graphiql.js", "graphiql.css", "explorer.js", "explorer.css")
"""The explorer's, which `tools/explorer_files.py` takes from npm's packages, in the order in which they are loaded."""

NEW_TAB = "new-tab"
"""The query that a tab starts with which the reader opens."""

OWN_FILES = ("console.css", "console.js")
CONTENT_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}


class ExplorerMissing(Exception):
    """A file of the explorer is missing; the message says how to get it."""


class Examples(msgspec.Struct, frozen=True):
    """The ids in the queries of the initial tabs.

    Attributes:
        person: A person's global id.
        cadence: A cadence's global id.
    """

    person: str = ""
    cadence: str = ""


class Tab(msgspec.Struct, frozen=True):
    """A tab that GraphiQL starts with; `variables` is JSON."""

    query: str
    variables: str


class File(msgspec.Struct, frozen=True):
    """A file that the page loads, under a name with its content's hash; `gzip_etag` is of the compressed file."""

    name: str
    content: bytes
    compressed: bytes
    content_type: str
    etag: str
    gzip_etag: str


class Explorer:
    """The page, and the files that it loads.

    Args:
        files: Every file, in the order in which the page has to load them; none where they are not installed.
        examples: The ids in the queries of the initial tabs.
        now: The time that "next meetings" begins at.
        asks_for_key: Whether the header editor starts with a place for an API key.
    """

    def __init__(
        self, files: Sequence[File], examples: Examples, now: Callable[[], dt.datetime], *, asks_for_key: bool = False
    ) -> None:
        self._files = {file.name: file for file in files}
        self._examples = examples
        self._now = now
        self._headers = _indented({"X-API-Key": ""}) if asks_for_key else ""
        template = "graphiql.html" if files else "plain.html"
        self._template = string.Template((FOLDER / template).read_text(encoding="utf-8"))
        self._links = "\n".join(_link(file) for file in files)

    def answer(self, scope: Scope) -> Response:
        """The page; at `/graphql/` a redirect to it, since its files are linked relative to `/graphql`."""
        if not scope["path"].endswith("/"):
            return self.page()
        query = scope["query_string"].decode("latin-1")
        return RedirectResponse(f"../graphql?{query}" if query else "../graphql")

    def page(self) -> Response:
        """The page."""
        shown = tabs(self._examples, self._now())
        text = self._template.substitute(
            links=self._links,
            config=html.escape(
                msgspec.json.encode({"tabs": shown, "newTab": _query(NEW_TAB), "headers": self._headers}).decode()
            ),
            query=html.escape(shown[0].query),
            variables=html.escape(shown[0].variables),
        )
        headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-store", "Vary": "Accept"}
        return Response(text, 200, headers, media_type="text/html")

    async def file(self, request: Request) -> Response:
        """One of the page's files.

        Raises:
            HTTPError: 404.
        """
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise HTTPError(404, "There is no such file.")
        asked = RequestHeaders(scope=request.scope)
        packed = takes_encoding(asked.get("accept-encoding"), "gzip")
        etag = file.gzip_etag if packed else file.etag
        headers = {"Cache-Control": FOR_EVER, "ETag": etag, "Vary": "Accept-Encoding"}
        if matches_etag(etag, asked.get("if-none-match")):
            return Response(b"", 304, headers)
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = file.compressed if packed else file.content
        return Response(body, 200, headers | {"Content-Type": file.content_type})


def installed_files() -> list[File]:
    """The explorer's files and our own beside them; none where the explorer's are not there, which is logged."""
    try:
        taken = explorer_files()
    except ExplorerMissing as error:
        log.warning("%s Browsers get a plain page.", error)
        return []
    own = [(name, (FOLDER / name).read_bytes()) for name in OWN_FILES]
    return [*taken, *(_file(name, content, gzip.compress(content, mtime=0)) for name, content in own)]


def explorer_files(folder: Path = STATIC) -> list[File]:
    """The explorer's files, in the order in which a page has to load them.

    Reads all of them (2 MB, a few milliseconds), so ask once, at the start.

    Raises:
        ExplorerMissing: One of them is not there.
    """
    files = []
    for name in FILES:
        try:
            files.append(_file(name, (folder / name).read_bytes(), (folder / f"{name}.gz").read_bytes()))
        except OSError as error:
            missing = Path(error.filename).name
            raise ExplorerMissing(f"The explorer's {missing} is not there: 'make demo' fetches it.") from None
    return files


def tabs(examples: Examples, now: dt.datetime) -> list[Tab]:
    """GraphiQL's initial tabs."""
    today = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    variables: dict[str, dict[str, object]] = {
        "next-meetings": {"from": today, "first": 20},
        "one-person": {"person": examples.person},
        "one-cadence": {"cadence": examples.cadence},
        "sources-and-cost": {},
        "a-source-is-down": {},
        "live": {},
    }
    return [Tab(_query(name), _indented(values) if values else "") for name, values in variables.items()]


def _query(name: str) -> str:
    return (FOLDER / f"{name}.graphql").read_text(encoding="utf-8")


def _indented(values: Mapping[str, object]) -> str:
    return msgspec.json.format(msgspec.json.encode(values), indent=2).decode()


def _file(name: str, content: bytes, compressed: bytes) -> File:
    """A file under a name that carries its content's hash: what is served under a name never changes."""
    digest = hashlib.sha256(content).hexdigest()
    stem, _, suffix = name.rpartition(".")
    return File(
        f"{stem}.{digest[:12]}.{suffix}",
        content,
        compressed,
        CONTENT_TYPES[suffix],
        f'"{digest[:32]}"',
        f'"{digest[:32]}-gzip"',
    )


def _link(file: File) -> str:
    # Relative to /graphql, so that it holds behind a proxy's prefix too.
    url = html.escape(f"{PREFIX.lstrip('/')}/{file.name}")
    if file.name.endswith(".css"):
        return f'<link rel="stylesheet" href="{url}">'
    return f'<script defer src="{url}"></script>'
