"""Logs: one line an event on standard error, as text for people or as JSON for machines.

Everything that logs goes through the standard library's `logging`, libraries too, so that there is one format. No line
holds a query, a variable, a token, a client's or an upstream's text, or a URL of theirs. An exception's message could
hold any of these: it is logged by its type and by where it happened.

A line a request is written while its client waits, so this is counted in microseconds: records are written as they are
made, without a library's chain of processors.
"""

from __future__ import annotations

import datetime as dt
import logging
import sys
import traceback
from pathlib import PurePath
from typing import Literal, TextIO, TypeAlias

import msgspec

LogFormat: TypeAlias = Literal["text", "json"]

PLACES = 5
"""Frames of an exception's traceback that are logged."""

OWN = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime"})
"""Attributes of every record; all others are facts of the event."""

FACTS = "gateway.facts"
"""The attribute with all facts of a record that `log_event` made."""

FOR_TERMINALS = frozenset({"color_message"})
"""uvicorn's copy of its messages."""

QUOTED = frozenset(' "=\\')
"""Characters that a text is quoted for, beside those that cannot be printed: it could be taken for more than one."""

ENCODE = msgspec.json.Encoder(enc_hook=str).encode


def configure(log_format: LogFormat, *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Sends every log line of the process to `stream` (standard error) in one format.

    Args:
        log_format: `text` or `json`.
        level: The lowest level that is logged.
        stream: The destination; tests bring their own.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JSONLines() if log_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("uvicorn").setLevel(
        logging.WARNING
    )  # its start and stop are logged by the supervisor of processes
    logging.getLogger("uvicorn.access").disabled = True  # holds the query string of a GET; ours does not


def log_event(log: logging.Logger, level: int, message: str, facts: dict[str, object]) -> None:
    """Logs a message with facts, without looking for the calling line, which no format shows.

    Args:
        log: The logger.
        level: The level.
        message: What happened; not a format string.
        facts: The event's facts.
    """
    if log.isEnabledFor(level):
        record = logging.LogRecord(log.name, level, "", 0, message, None, None)
        record.__dict__.update(facts)
        record.__dict__[FACTS] = facts
        log.handle(record)


class JSONLines(logging.Formatter):
    """Each record as an object on a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {"level": record.levelname.lower(), "logger": record.name, "timestamp": moment(record.created)}
        return ENCODE({**line, **facts_of(record), "message": record.getMessage()}).decode()


class TextLines(logging.Formatter):
    """Each record as a line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts = "".join([f" {name}={word(value)}" for name, value in facts_of(record).items()])
        message = record.getMessage()
        shown = message if message.isprintable() else word(message)
        return f"{moment(record.created)} [{record.levelname.lower()}] {shown} [{record.name}]{facts}"


def moment(seconds: float) -> str:
    """A time as RFC 3339 has it, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def word(value: object) -> str:
    """A value in one word, or in quotes."""
    if isinstance(value, str):
        plain = value and value.isprintable() and QUOTED.isdisjoint(value)
        return value if plain else ENCODE(value).decode()
    return ENCODE(value).decode()


def facts_of(record: logging.LogRecord) -> dict[str, object]:
    """The facts of a record; of an exception its type and places."""
    known: dict[str, object] | None = record.__dict__.get(FACTS)
    if known is not None:
        return known
    facts = {name: value for name, value in record.__dict__.items() if name not in OWN and name not in FOR_TERMINALS}
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        facts["kind"] = type(error).__name__
        facts["where"] = where(error)
    return facts


def where(error: BaseException) -> list[str]:
    """The innermost places that an exception passed: file, line and function, without any values."""
    frames = traceback.extract_tb(error.__traceback__)[-PLACES:]
    return [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
