"""The kinds of values that settings have: how each is read from text, what is expected, and how it is shown.

A kind reads a text that is not empty. Where it is not valid it raises `InvalidValue`: with a message of its own, or
with none, for which "… is not <what is expected>" is said.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import SplitResult, parse_qsl, urlsplit

import msgspec

from gateway.upstream.credentials import Secret

SHOWN = 40
"""Characters of a value that a message repeats."""

NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?")
HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*", re.IGNORECASE)
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
NO_SCHEME = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9./_-]*)?")
"""A URL without its scheme that holds nothing but a host, a port and a path, and so may be repeated in a message."""


MOST_SECRETS = 5
"""Of which a delivery may be signed with any: one, and another while it is replaced."""


class InvalidValue(ValueError):
    """A text that is not a value of a kind; the message, where there is one, says what is wrong with it."""


class ValueKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of value.

    Attributes:
        read: A text as a value; raises `InvalidValue`.
        expected: What is valid, as it ends a sentence that begins with "is not".
        column: The same for the table in the documentation; `expected` where empty.
        show: A value as it would be written.
        secret: Whether no message may repeat the text, and whether a file may hold it (`<NAME>_FILE`).
        live: Whether another value is used while the gateway runs, as another secret is.
        review: Sentences about a secret that is valid and could be better: of its setting, its text, and whether it is
            from a file.
    """

    read: Callable[[str], Any]
    expected: str
    column: str = ""
    show: Callable[[Any], str] = str
    secret: bool = False
    live: bool = False
    review: Callable[[str, str, bool], Iterable[str]] | None = None


class Unset(msgspec.Struct, frozen=True):
    """What holds where a setting is not set, where that is more than a value.

    Attributes:
        shown: It in words, for the documentation.
        value: It, where it depends on other settings, whose texts it is given by their names; else the field's default.
    """

    shown: str
    value: Callable[[Callable[[str], str]], Any] | None = None


def whole(least: float | None, most: float | None) -> ValueKind:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and _within(int(text[:19]), least, most)):
            raise InvalidValue
        return int(text)

    return ValueKind(read=read, expected=f"a whole number {_range(least, most)}")


def seconds(least: float | None, most: float | None) -> ValueKind:
    """A span of time within bounds."""

    def read(text: str) -> float:
        if not (NUMBER.fullmatch(text) and _within(float(text), least, most)):
            raise InvalidValue
        return float(text)

    return ValueKind(read=read, expected=f"a number of seconds {_range(least, most)}", show="{:g}".format)


def choice(words: Mapping[str, Any]) -> ValueKind:
    """One of a few words, each with what it means here."""

    def read(text: str) -> Any:
        if text.lower() not in words:
            raise InvalidValue
        return words[text.lower()]

    texts = {value: word for word, value in words.items()}
    return ValueKind(read=read, expected=f"one of {', '.join(words)}", show=texts.__getitem__)


def listed(item: ValueKind, *, most: int, what: str, example: str) -> ValueKind:
    """A set of words, separated by commas.

    Args:
        item: The kind of each.
        most: How many there may be.
        what: What one is called.
        example: How it looks.
    """

    def read(text: str) -> frozenset[Any]:
        words = [word for part in text.split(",") if (word := part.strip())]
        if len(words) > most:
            raise InvalidValue(f"lists {len(words)} {what}; {most} are the most")
        found = set()
        for word in words:
            try:
                found.add(item.read(word))
            except InvalidValue as error:
                raise InvalidValue(str(error) or f"{quoted(word)} is not {item.expected}; {like(example)}") from None
        return frozenset(found)

    return ValueKind(
        read=read,
        expected=f"a list of {what}",
        column=f"{what}, comma separated",
        show=lambda values: ",".join(sorted(map(item.show, values))),
    )


def quoted(text: str) -> str:
    """A value for a message."""
    return f'"{text[:SHOWN]}"'


def like(example: str) -> str:
    """How a value that is valid looks."""
    return f"it should look like {example}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _range(least: float | None, most: float | None) -> str:
    return f"from {_figure(least)} to {_figure(most)}"


def _figure(bound: float | None) -> str:
    return "any" if bound is None else str(bound) if isinstance(bound, int) else f"{bound:g}"


def _text(text: str) -> str:
    if not text.isprintable():
        raise InvalidValue("holds a character that cannot be printed")
    return text


def _secret(text: str) -> Secret:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidValue("holds a character that no credential has; it should be one word of ASCII")
    return Secret(text)


def _secrets(text: str) -> tuple[Secret, ...]:
    words = [word for part in text.split(",") if (word := part.strip())]
    if len(words) > MOST_SECRETS:
        raise InvalidValue(f"lists {len(words)} secrets; {MOST_SECRETS} are the most")
    return tuple(map(_secret, words))


def _host(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not HOST_NAME.fullmatch(text) or text.rpartition(".")[2].isdecimal():
            raise InvalidValue from None
    return text


def _url(text: str) -> str:
    """A URL without credentials, query or fragment; its last slash is taken off."""
    plain = "should be a plain URL such as https://host/path: no user, no query, no fragment"
    if "://" not in text:
        shown = text if NO_SCHEME.fullmatch(text) else "host/path"
        raise InvalidValue(f"has no scheme, so it is not a URL; it should look like https://{shown[:SHOWN]}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidValue(f"is not a URL; {like('https://host/path')}") from None
    if parts.scheme not in {"http", "https"}:
        raise InvalidValue(f"has a scheme other than https and http, so it is not usable; {plain}")
    if not _reachable(parts, port) or parts.query or parts.fragment or not text.isascii() or not text.isprintable():
        raise InvalidValue(plain)
    if parts.username is not None or parts.password is not None or " " in text or "\\" in text:
        raise InvalidValue(plain)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise InvalidValue(
            "would be reached in clear, credentials included; use https:// (http:// is for loopback only)"
        )
    return text.rstrip("/").removesuffix("?").removesuffix("#").rstrip("/")


def _reachable(parts: SplitResult, port: int | None) -> bool:
    """Whether a URL names a host, and a port where it names one, that can exist."""
    if not parts.hostname or port == 0:
        return False
    try:
        _host(parts.hostname)
    except ValueError:
        return False
    return True


MEMORY = "memory://"
REDIS_OPTIONS = frozenset({
    "client_name", "ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile",
})  # fmt: skip
"""What may follow `?`; time-outs, retries and connections are the gateway's own business."""


def _cache(text: str) -> Secret | None:
    """The Redis that replicas share; None for `memory://`. It may hold a password, so no message repeats it."""
    wrong = f"is neither memory:// nor a URL such as {REDIS_EXAMPLE}"
    try:
        parts = urlsplit(text)
        port, options = parts.port, dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise InvalidValue(wrong) from None
    if text.lower() == MEMORY:
        return None
    if parts.scheme not in {"redis", "rediss"} or not _reachable(parts, port) or parts.fragment or " " in text:
        raise InvalidValue(wrong)
    number = parts.path.removeprefix("/")
    if number and not (number.isascii() and number.isdecimal() and len(number) <= len("65535")):
        raise InvalidValue(f"should end with the number of a database, as {REDIS_EXAMPLE} does")
    if unknown := sorted(options.keys() - REDIS_OPTIONS):
        raise InvalidValue(f"has the option {quoted(unknown[0])}; only {', '.join(sorted(REDIS_OPTIONS))} can be set")
    return Secret(text)


ANY_PORT = ":*"
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def _origin(text: str) -> str:
    """An origin as browsers write it: in lower case, without the port that its scheme has anyhow; `:*` is any port."""
    bare = text.lower().removesuffix(ANY_PORT)
    try:
        fine = ORIGIN.fullmatch(bare) and _reachable(parts := urlsplit(bare), parts.port)
    except ValueError:
        fine = False
    if not fine:
        raise InvalidValue
    if text.endswith(ANY_PORT):
        if parts.port is not None:
            raise InvalidValue
        if not is_loopback(parts.hostname or ""):
            raise InvalidValue(f"{quoted(text)} names every port of a host that is not this machine")
        return f"{bare}{ANY_PORT}"
    return bare.removesuffix(DEFAULT_PORTS[parts.scheme])


def _allowed_host(text: str) -> str:
    """A name that a `Host` header may have: in lower case, an IPv6 address in brackets, `*.` before a domain."""
    name = text.lower().removesuffix(".")
    if name == "*":
        return name
    bare = name.removeprefix("*.")
    try:
        address = ipaddress.ip_address(bare.removeprefix("[").removesuffix("]"))
    except ValueError:
        if not HOST_NAME.fullmatch(bare) or bare.rpartition(".")[2].isdecimal():
            raise InvalidValue from None
        return name
    if bare != name:
        raise InvalidValue
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - the number of the protocol


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InvalidValue from None


def _path(text: str) -> Path:
    if not text.isprintable():
        raise InvalidValue("is not the path of a file")
    if os.path.isdir(text):  # noqa: PTH112 - pathlib raises on paths that are too long
        raise InvalidValue(f"{text[:200]} is a folder; it should name a file")
    return Path(text)


def _shown_path(path: Path | None) -> str:
    return "" if path is None else str(path)


REDIS_EXAMPLE = "redis://host:6379/0"
SWITCH = choice({"on": True, "off": False})
TEXT = ValueKind(read=_text, expected="text", column="text")
OF_A_SECRET = msgspec.structs.replace(TEXT, live=True)
"""A text that belongs to a secret, and is replaced with it."""

SECRET = ValueKind(read=_secret, expected="one word of ASCII", column="one word", secret=True)
SECRETS = ValueKind(
    read=_secrets,
    expected="a list of words of ASCII",
    column="words, comma separated",
    secret=True,
    show=lambda _: "",
)
HOST = ValueKind(read=_host, expected="a host name or an IP address")
URL = ValueKind(read=_url, expected="a URL", column="`https` URL (`http` on loopback)")
CACHE = ValueKind(read=_cache, expected="a URL", column="`memory://`, `redis://…`, `rediss://…`", secret=True)
PATH = ValueKind(read=_path, expected="a path", column="path", show=_shown_path)
ORIGINS = listed(
    ValueKind(read=_origin, expected="a valid origin"), most=1000, what="origins", example="https://app.example"
)
HOSTS = listed(
    ValueKind(read=_allowed_host, expected="a host name without a port"),
    most=1000,
    what="host names",
    example="gateway.example or *.example.com",
)
NETWORKS = listed(
    ValueKind(read=_network, expected="an address or a network"),
    most=1000,
    what="addresses or networks",
    example="10.0.0.0/8",
)

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Url: TypeAlias = Annotated[str, URL]
Host: TypeAlias = Annotated[str, HOST]
FilePath: TypeAlias = Annotated[Path | None, PATH]
SecretText: TypeAlias = Annotated[Secret | None, SECRET]
