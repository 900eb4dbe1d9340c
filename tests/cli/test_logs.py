from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.logs import LogFormat, configure, log_event


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


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_value_can_pass_for_another_or_for_a_line(log_format: LogFormat) -> None:
    out = io.StringIO()
    configure(log_format, stream=out)
    log = logging.getLogger("gateway.web")
    log.info("request", extra={"operation": 'a status=500\n2026-01-01 "x', "errors": {"A": 1}, "empty": ""})
    log.warning("%s gave\nno token", "SALESLOFT")
    first, second = out.getvalue().splitlines()
    if log_format == "json":
        assert json.loads(first)["operation"] == 'a status=500\n2026-01-01 "x'
        assert json.loads(second)["message"] == "SALESLOFT gave\nno token"
    else:
        assert first.endswith(' operation="a status=500\\n2026-01-01 \\"x" errors={"A":1} empty=""')
        assert '[warning] "SALESLOFT gave\\nno token" [gateway.web]' in second


def test_what_is_reported_is_what_a_record_has_too() -> None:
    out = io.StringIO()
    configure("json", stream=out)
    log = logging.getLogger("gateway.web")
    seen: list[logging.LogRecord] = []

    def keep(record: logging.LogRecord) -> bool:
        seen.append(record)
        return True

    log.addFilter(keep)
    try:
        log_event(log, logging.INFO, "request", {"status": 200})
        log_event(log, logging.DEBUG, "request", {"status": 201})
    finally:
        log.filters.clear()
    assert json.loads(out.getvalue())["status"] == 200
    assert [record.__dict__["status"] for record in seen] == [200]
