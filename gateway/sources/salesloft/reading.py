"""Single values of Salesloft's into the model's; pure."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar
from urllib.parse import urlsplit

from gateway.model.filters import fold_email
from gateway.model.records import Kind, Record, Ref, Source, UserKey
from gateway.sources.salesloft.wire import Id, Stub

R = TypeVar("R", bound=Record)

VENDOR = "salesloft"


def utc(value: dt.datetime | None) -> dt.datetime | None:
    """The instant in UTC; None for one that falls off the calendar there."""
    if value is None or value.tzinfo is dt.UTC:
        return value
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        return None


def ref(kind: Kind, value: Id | Stub | None) -> Ref | None:
    """What a stub or an id points to."""
    if value is None:
        return None
    text = _text(value)
    return None if text is None else Ref(Source.SALESLOFT, kind, text)


def user_ref(value: Id | Stub | None) -> Ref | None:
    """The user that a stub points to: by GUID, whatever its case, or by id where it is a number."""
    text = _text(value)
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return Ref(Source.SALESLOFT, Kind.USER, text)
    return Ref(Source.SALESLOFT, Kind.USER, text.lower(), UserKey.GUID)


def full_name(name: str | None, first: str | None, last: str | None) -> str | None:
    """The name as given, else its parts joined."""
    return name or " ".join(part for part in (first, last) if part) or None


def addresses(*values: str | None) -> tuple[str, ...] | None:
    """The addresses among the values as they were sent, each once whatever its case; None where there is none."""
    known: dict[str, str] = {}
    for value in values:
        if value is not None and value.strip():
            known.setdefault(fold_email(value), value)
    return tuple(known.values()) or None


def address(text: str | None) -> str | None:
    """The text, folded, where it is an e-mail address: a calendar's id is one, or `external_<guid>`, or anything."""
    folded = fold_email(text or "")
    name, at, domain = folded.partition("@")
    return folded if name and at and "." in domain and "@" not in domain else None


def web_address(text: str | None) -> str | None:
    """The text where it is the address of a page, which is where an online meeting is held."""
    address = (text or "").strip()
    if not address:
        return None
    if any(character.isspace() for character in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def _text(value: Id | Stub | None) -> str | None:
    text = str(value.id if isinstance(value, Stub) else value) if value is not None else ""
    return text or None
