"""One call as the emulated vendors see it: what was asked, what is answered, what the log keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Ask:
    """A request, read whole. Header names have no case; `params` keep their order and repetitions."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def bearer(self) -> str | None:
        """The bearer token, if one came."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @staticmethod
    def params_of(query: bytes) -> tuple[tuple[str, str], ...]:
        """Read a query string, or a form."""
        return tuple(parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """A response before it is encoded; `endpoint`, `cost` and `unknown_params` are for the log."""

    endpoint: str
    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    cost: int = 0
    unknown_params: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """What the log keeps of a call.

    Attributes:
        endpoint: a stable name, as `meetings`, `people/{id}` or `users/meetings/org`; `unknown` for any other path.
        path: as asked.
        params: in order, decoded.
        status: as answered, faults included; 0 where a fault let no answer out.
        cost: units charged; always 0 for Drift.
        unknown_params: names that the vendor would have ignored in silence.
    """

    endpoint: str
    path: str
    params: list[tuple[str, str]]
    status: int
    cost: int
    unknown_params: tuple[str, ...]


class Vendor(Protocol):
    """An emulated API without its HTTP."""

    def answer(self, ask: Ask) -> Answer:
        """Answer a request; whatever is wrong with it is an answer too."""

    def error_body(self, status: int) -> object:
        """Give the body that the vendor sends with an error status."""
