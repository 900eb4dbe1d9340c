from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.logs import LogFormat, configure


@pytest.fixture(autouse=True)
def kept_logging() -> Iterator[None]:
    """Puts the process's logging back as it was."""
    root, server, access = (logging.getLogger(name) for name in ("", "uvicorn", "uvicorn.access"))
    handlers, levels = root.handlers, (root.level, server.level)
    yield
    root.handlers, access.disabled = handlers, False
    root.level, server.level = levels


def logged(log_format: LogFormat) -> str:
    """What comes of a request's line, of an exception and of a library's line."""
    out = io.StringIO()
    configure(log_format, stream=out)
    log = logging.getLogger("gateway.web")
    log.info("request", extra={"method": "GET", "status": 200})
    try:
        int("Bearer ak-secret https://api.example/v2/people/4711")
    except ValueError:
        log.exception("failed")
    logging.getLogger("uvicorn.error").warning("Started %d", 7, extra={"color_message": "\x1b[1m%d"})
    logging.getLogger("uvicorn.access").info("GET /graphql?query={secret}")
    return out.getvalue()


def test_json_is_one_object_a_line() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in logged("json").splitlines()]
    assert [line.pop("message") for line in lines] == ["request", "failed", "Started 7"]
    assert all(line.pop("timestamp").endswith("Z") for line in lines)
    assert lines[0] == {"method": "GET", "status": 200, "level": "info", "logger": "gateway.web"}
    assert lines[1]["kind"] == "ValueError"
    assert lines[1]["where"][0].startswith("test_logs.py:")
    assert set(lines[2]) == {"level", "logger"}


def test_text_is_a_line_an_event_without_colours_where_nobody_sees_them() -> None:
    lines = logged("text").splitlines()
    assert len(lines) == 3
    assert "request" in lines[0]
    assert "status=200" in lines[0]
    assert "kind=ValueError" in lines[1]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_exception_message_and_no_query_string_is_logged(log_format: LogFormat) -> None:
    text = logged(log_format)
    assert "ak-secret" not in text
    assert "4711" not in text
    assert "{secret}" not in text
