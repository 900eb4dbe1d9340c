"""Logs: one line an event on standard error, as text for people or as JSON for machines.

Everything that logs goes through the standard library's `logging`, libraries too, so that there is one format. No line
holds a query, a variable, a token, a client's or an upstream's text, or a URL of theirs. An exception's message could
hold any of these: it is told by its type and by where it happened.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import PurePath
from typing import Literal, TextIO, TypeAlias

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat: TypeAlias = Literal["text", "json"]

PLACES = 5
"""How many places of an exception's way are told."""

SHARED: tuple[Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(log_format: LogFormat, *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Sends every log line of the process to `stream` (standard error) in one format.

    Args:
        log_format: `text` or `json`.
        level: The least that is told.
        stream: Where to; tests bring their own.
    """
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*SHARED, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _plain,
                *_rendering(log_format, out),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("uvicorn").setLevel(
        logging.WARNING
    )  # its coming and going is told by the supervisor of processes
    logging.getLogger("uvicorn.access").disabled = True  # holds the query string of a GET; ours does not


def _rendering(log_format: LogFormat, out: TextIO) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer(sort_keys=False)]
    return [structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0)]


def _plain(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Takes off what is for terminals, and what an exception says."""
    event.pop("color_message", None)  # uvicorn's copy of the event for terminals
    raised = event.pop("exc_info", None)
    if isinstance(raised, tuple) and isinstance(raised[1], BaseException):
        event["kind"] = type(raised[1]).__name__
        event["where"] = where(raised[1])
    return event


def where(error: BaseException) -> list[str]:
    """The innermost places that an exception passed: file, line and function, without any values."""
    frames = traceback.extract_tb(error.__traceback__)[-PLACES:]
    return [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
