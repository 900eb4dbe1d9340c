"""What of the sources' answers is kept, where and for how long, as it is set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from gateway.environment import BadSetting, Environment
from gateway.sources.lives import DEFAULT, Lives
from gateway.upstream.credentials import Secret
from gateway.upstream.lifetimes import Lifetimes

MEMORY = "memory"
SHARED = frozenset({"redis", "rediss"})
LONGEST = 7 * 86_400
MEGABYTE = 1024 * 1024
FIELDS = Lives.__struct_fields__


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Where records are kept between requests, and for how long.

    Attributes:
        url: The Redis or Valkey that replicas share; None where each process keeps its own. It may hold a password.
        size: Bytes of memory that the records of one process may take.
        lives: Their lifetimes by kind.
    """

    url: Secret | None
    size: int
    lives: Lives


def read_cache(env: Environment) -> CacheSettings:
    """The settings of the cache.

    Raises:
        BadSetting: One of them cannot be meant.
    """
    lives = {field: _lifetimes(env, f"GATEWAY_TTL_{field.upper()}", getattr(DEFAULT, field)) for field in FIELDS}
    return CacheSettings(
        url=_url(env, "GATEWAY_CACHE_URL"),
        size=env.whole("GATEWAY_CACHE_SIZE", 128, least=1, most=65_536) * MEGABYTE,
        lives=Lives(**lives),
    )


def _url(env: Environment, name: str) -> Secret | None:
    secret = env.secret(name)
    if secret is None:
        return None
    wrong = BadSetting(name, "is neither memory:// nor a URL such as redis://host:6379/0")
    try:
        parts = urlsplit(secret.reveal())
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme == MEMORY and not (parts.netloc or parts.path):
        return None
    if parts.scheme not in SHARED or not parts.hostname or port == 0:
        raise wrong
    return secret


def _lifetimes(env: Environment, name: str, default: Lifetimes) -> Lifetimes:
    """Seconds fresh, then stale while fetched anew, then as a fallback; optionally how long an absence is believed."""
    text = env.text(name)
    if not text:
        return default
    try:
        seconds = [float(part) for part in text.split(",")]
    except ValueError:
        seconds = [math.nan]
    if len(seconds) not in (3, 4) or not all(0 <= each <= LONGEST for each in seconds):
        likely = f"{default.fresh:g},{default.stale:g},{default.fallback:g}"
        raise BadSetting(name, f'"{text[:40]}" is not three (or four) numbers of seconds; it should look like {likely}')
    fresh, stale, fallback, *absent = seconds
    known = min(default.absent, fresh)
    return msgspec.structs.replace(
        default, fresh=fresh, stale=stale, fallback=fallback, absent=absent[0] if absent else known
    )
