"""A source that fails, in each way it can: what is answered, what is said of it, and what was called."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

import pytest

from gateway.emulator.faults import (
    BAD_GATEWAY,
    BadRows,
    Empty,
    Fault,
    Hang,
    MalformedJson,
    Reset,
    SlowBody,
    Status,
    Truncated,
    no_object,
    without,
    wrong_type,
)
from gateway.emulator.server import Emulated
from tests.graph.oracle import Event, Truth, ordered, plain
from tests.world import Asked, Gateway

QUERY = """{ meetings(first: 200) {
  nodes { id title } pageInfo { hasNextPage }
  sourceReports { source status code message retryAfter } } }"""


@dataclasses.dataclass(frozen=True)
class Way:
    """One way of failing.

    Attributes:
        fault: What goes wrong; None is a closed port.
        code: The code that it is reported with.
        tries: How often one call is made.
        retry_after: What the report says of it.
    """

    name: str
    fault: Fault | None
    code: str
    tries: int = 1
    retry_after: float | None = None


WAYS = [
    Way("down", None, "UPSTREAM_UNAVAILABLE", tries=0),
    Way("reset", Reset(), "UPSTREAM_UNAVAILABLE", tries=2),
    Way("hanging", Hang(), "UPSTREAM_TIMEOUT", tries=2),
    Way("slow", SlowBody(0.06, pieces=5), "UPSTREAM_TIMEOUT", tries=2),
    Way("server error", Status(500), "UPSTREAM_UNAVAILABLE", tries=2),
    Way("bad gateway", BAD_GATEWAY, "UPSTREAM_UNAVAILABLE", tries=2),
    Way("rate limited", Status(429, headers={"Retry-After": "40"}), "UPSTREAM_RATE_LIMITED", retry_after=40),
    Way("credential unknown", Status(401), "UPSTREAM_REFUSED"),
    Way("credential refused", Status(403), "UPSTREAM_REFUSED"),
    Way("not found", Status(404), "UPSTREAM_UNAVAILABLE"),
    Way("malformed", MalformedJson(), "UPSTREAM_MALFORMED"),
    Way("truncated", Truncated(), "UPSTREAM_MALFORMED", tries=2),
    Way("empty", Empty(), "UPSTREAM_MALFORMED"),
]
SECRETS = ("ak", "127.0.0.1", "Bearer", "/v2/", "nginx", "Traceback")


async def break_(gateway: Gateway, source: str, way: Way) -> None:
    if isinstance(way.fault, Hang | SlowBody):
        gateway.timeouts[source] = 0.1
    emulated: Emulated = getattr(gateway.emulators, source.lower())
    if way.fault is None:
        await emulated.listener.refuse()
    else:
        emulated.faults.add(way.fault)


def active(truth: Truth, keep: Callable[[Event], bool]) -> list[str]:
    return [event.id for event in ordered(e for e in truth.events if e.status != "CANCELED" and keep(e))]


def report(answer: Asked, source: str) -> dict[str, object]:
    (found,) = (each for each in answer.data["meetings"]["sourceReports"] if each["source"] == source)
    assert isinstance(found, dict)
    return found


def tells_nothing(answer: Asked) -> None:
    """No upstream text, address or token is in what the client gets."""
    reported = repr(
        (answer.errors, answer.data and answer.data["meetings"] and answer.data["meetings"]["sourceReports"])
    )
    assert not [secret for secret in SECRETS if secret in reported]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_without_salesloft_drifts_rows_are_shown(little: Gateway, way: Way) -> None:
    await break_(little, "SALESLOFT", way)
    answer = await little.ask(QUERY)
    truth = Truth(little.world)
    alone = ordered(Event(None, [row]) for row in truth.window)
    assert [node["id"] for node in answer.ok["meetings"]["nodes"]] == [e.id for e in alone if e.status != "CANCELED"]
    reported = report(answer, "SALESLOFT")
    assert (reported["status"], reported["code"], reported["retryAfter"]) == ("FAILED", way.code, way.retry_after)
    assert report(answer, "DRIFT")["status"] == "OK"
    assert answer.endpoints["users/meetings/org"] == 1
    calls = answer.endpoints["meetings"]
    assert calls <= 5 * way.tries, "the walk, and the two listings that Drift's rows are looked up in, in two chunks"
    assert calls >= way.tries
    tells_nothing(answer)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_without_drift_salesloft_is_whole(little: Gateway, way: Way) -> None:
    await break_(little, "DRIFT", way)
    answer = await little.ask(QUERY)
    expected = active(Truth(little.world), lambda event: event.hub is not None)[:200]
    assert [node["id"] for node in answer.ok["meetings"]["nodes"]] == expected
    reported = report(answer, "DRIFT")
    assert (reported["status"], reported["code"], reported["retryAfter"]) == ("FAILED", way.code, way.retry_after)
    assert report(answer, "SALESLOFT")["status"] == "OK"
    assert answer.endpoints["users/meetings/org"] == way.tries
    tells_nothing(answer)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_without_either_the_list_is_an_error(little: Gateway, way: Way) -> None:
    await asyncio.gather(break_(little, "SALESLOFT", way), break_(little, "DRIFT", way))
    answer = await little.ask(QUERY)
    assert answer.data == {"meetings": None}
    (error,) = answer.errors
    assert error["path"] == ["meetings"]
    assert error["extensions"]["code"] == way.code
    assert error["extensions"]["source"] == "SALESLOFT"
    tells_nothing(answer)


@pytest.mark.parametrize(
    ("source", "endpoint", "field", "named"),
    [
        ("SALESLOFT", "meetings", "title", "title"),
        ("SALESLOFT", "meetings", "event_id", "event_id"),
        ("DRIFT", "users/meetings/org", "meetingNotes", "meeting_notes"),
    ],
)
async def test_a_field_of_a_wrong_type_takes_nothing_with_it(
    little: Gateway, source: str, endpoint: str, field: str, named: str
) -> None:
    emulated: Emulated = getattr(little.emulators, source.lower())
    emulated.faults.add(BadRows(wrong_type(field), at=None), endpoint)
    answer = await little.ask(QUERY)
    assert len(answer.data["meetings"]["nodes"]) > 100
    reported = report(answer, source)
    assert (reported["status"], reported["code"]) == ("OK", "UPSTREAM_MALFORMED"), "asking again would bring the same"
    assert f"{named} (" in str(reported["message"])
    assert set(answer.codes) <= {"UPSTREAM_MALFORMED"}


async def test_an_unreadable_field_is_null_with_an_error_at_its_path(little: Gateway) -> None:
    little.emulators.salesloft.faults.add(BadRows(wrong_type("title"), at=(0,)), "meetings", times=1)
    answer = await little.ask("{ meetings(first: 3, filter: {sources: [SALESLOFT]}) { nodes { id title } } }")
    titles = [node["title"] for node in answer.data["meetings"]["nodes"]]
    place = titles.index(None)
    assert [error["path"] for error in answer.errors] == [["meetings", "nodes", place, "title"]]
    assert answer.codes == ["UPSTREAM_MALFORMED"]


@pytest.mark.parametrize(
    ("source", "endpoint", "change"),
    [
        ("SALESLOFT", "meetings", without("id")),
        ("SALESLOFT", "meetings", no_object),
        ("DRIFT", "users/meetings/org", without("slug")),
        ("DRIFT", "users/meetings/org", no_object),
    ],
)
async def test_only_a_row_without_an_id_is_lost_and_said(
    little: Gateway, source: str, endpoint: str, change: Callable[[dict[str, object]], object]
) -> None:
    query = "{ meetings(first: 500, filter: {sources: [%s], canceled: INCLUDE}) { nodes { id } sourceReports %s } }"
    query %= (source, "{ source status code message }")
    whole = await little.ask(query)
    emulated: Emulated = getattr(little.emulators, source.lower())
    emulated.faults.add(BadRows(change), endpoint, times=1)
    answer = await little.ask(query)
    assert len(answer.ok["meetings"]["nodes"]) == len(whole.ok["meetings"]["nodes"]) - 1
    reported = report(answer, source)
    assert (reported["status"], reported["code"]) == ("PARTIAL", "UPSTREAM_MALFORMED")
    assert "without a readable id" in str(reported["message"])


NEIGHBOURS = [
    ("people", "person", "nodes { id person { name } }"),
    ("users", "owner", "nodes { id owner { name } }"),
    ("cadences", "cadence", "nodes { id cadence { name } }"),
    ("steps", "step", "nodes { id step { name } }"),
    ("accounts", "account", "nodes { id account { name } }"),
    ("tasks", "task", "nodes { id task { subject } }"),
]


@pytest.mark.parametrize(("endpoint", "field", "selected"), NEIGHBOURS)
async def test_a_related_record_that_fails_is_null_and_nothing_else(
    little: Gateway, endpoint: str, field: str, selected: str
) -> None:
    little.sources = ("SALESLOFT",)
    little.emulators.salesloft.faults.add(Status(500), endpoint)
    answer = await little.ask("{ meetings(first: 50) { %s pageInfo { hasNextPage } } }" % selected)
    nodes = answer.data["meetings"]["nodes"]
    assert len(nodes) == 50
    assert all(node["id"] and node[field] is None for node in nodes)
    rows = {f"{event.key}": event.hub for event in Truth(little.world).events if event.hub}
    having = {"owner": "owned_by_user", "account": "account_id", "task": "task_id"}.get(field, field)
    shown = active(Truth(little.world), lambda event: event.hub is not None)[:50]
    assert [node["id"] for node in nodes] == shown
    expected = sum(bool(rows[plain(id_)].get(having)) for id_ in shown)
    assert answer.codes == ["UPSTREAM_UNAVAILABLE"] * expected
    assert answer.endpoints[endpoint] == 2


async def test_the_deadline_is_reported_as_such(little: Gateway) -> None:
    little.deadline = 0.0
    answer = await little.ask(QUERY)
    assert answer.codes == ["DEADLINE_EXCEEDED"]
    assert answer.calls == []
