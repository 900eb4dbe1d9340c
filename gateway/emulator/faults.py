"""What tests let go wrong: which fault, on which endpoint, on which of its calls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from gateway.emulator.table import Row


@dataclass(frozen=True)
class Reset:
    """The connection is reset instead of an answer. For a closed port see `Listener.refuse`."""


@dataclass(frozen=True)
class Hang:
    """No answer comes for as long as the client stays."""


@dataclass(frozen=True)
class SlowBody:
    """The body comes in pieces with a pause (seconds) before each."""

    pause: float
    pieces: int = 10


@dataclass(frozen=True)
class Status:
    """Another status instead of the answer.

    A `body` of bytes is sent as it is, as HTML where it starts with `<`; None is the vendor's own error body.
    """

    status: int
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MalformedJson:
    """The answer breaks off in the middle of its JSON, with a `Content-Length` that fits."""


@dataclass(frozen=True)
class Truncated:
    """The connection is closed half-way through the body that `Content-Length` promised."""


@dataclass(frozen=True)
class Empty:
    """A body of no bytes at all."""

    status: int = 200


@dataclass(frozen=True)
class Huge:
    """A 200 with so many bytes of valid JSON that nobody should read them."""

    size: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class BadRows:
    """Rows of the answer are spoilt: those `at` these places (None: all), or the one record of a single read."""

    change: Callable[[Row], object]
    at: tuple[int, ...] | None = (0,)


@dataclass(frozen=True)
class Rewritten:
    """The bytes of the answer are others."""

    change: Callable[[bytes], bytes]


Fault = Reset | Hang | SlowBody | Status | MalformedJson | Truncated | Empty | Huge | BadRows | Rewritten

BAD_GATEWAY = Status(502, b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>")


def wrong_type(name: str, value: object = ("not", "what", "it", "was")) -> Callable[[Row], object]:
    """Spoil one field."""
    return lambda row: {**row, name: value}


def without(name: str) -> Callable[[Row], object]:
    """Leave one field out."""
    return lambda row: {key: value for key, value in row.items() if key != name}


def no_object(_: Row) -> object:
    """Put a number where the record was."""
    return 42


@dataclass
class _Rule:
    fault: Fault
    endpoint: str | None
    start: int
    times: int | None
    share: float
    random: Random
    seen: int = 0

    def acts(self) -> bool:
        """Count a call, and say whether the fault is on it."""
        self.seen += 1
        turn = self.seen - self.start
        within = turn >= 0 and (self.times is None or turn < self.times)
        return within and (self.share >= 1 or self.random.random() < self.share)


class Faults:
    """The faults in force. Several may be; the first that applies to a call acts."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(
        self,
        fault: Fault,
        endpoint: str | None = None,
        *,
        start: int = 1,
        times: int | None = None,
        share: float = 1.0,
        random: Random | None = None,
    ) -> None:
        """Let something go wrong.

        Args:
            fault: what.
            endpoint: a name as in the call log; None for all.
            start: from which matching call on, counted from now, the first being 1.
            times: on how many calls; None for all that follow.
            share: on what part of those, from 0 to 1.
            random: draws which.
        """
        self._rules.append(_Rule(fault, endpoint, start, times, share, random or Random(0)))

    def clear(self) -> None:
        """Let all be well again."""
        self._rules.clear()

    def take(self, endpoint: str) -> Fault | None:
        """Count a call and say what goes wrong with it."""
        chosen = None
        for rule in self._rules:
            if rule.endpoint not in {None, endpoint}:
                continue
            if rule.acts() and chosen is None:
                chosen = rule.fault
        return chosen
