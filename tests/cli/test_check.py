"""`check`: what it says of each source, and how it ends."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any, NamedTuple

import pytest

from gateway.commands.demo import emulated
from gateway.emulator.faults import BadRows, Empty, Fault, Hang, Reset, Status, wrong_type
from gateway.emulator.server import Emulators
from tests.cli.test_commands import TOKEN, Done, Run
from tests.cli.test_commands import run as run
from tests.two_sources import variables
from tests.upstream.replicas.redis_server import RedisServer, redis_server
from tests.upstream_e2e.stage import client_of

SCOPES = ["meetings:read", "people:read", "team:read", "cadences:read", "accounts:read", "tasks:read"]
DRIFTS = ["user_read", "contact_read", "conversation_read"]


@pytest.fixture(scope="module")
def emulators() -> Iterator[Emulators]:
    with emulated() as both:
        yield both


@pytest.fixture(autouse=True)
def well(emulators: Emulators) -> Iterator[None]:
    yield
    emulators.reset()


def outputs(done: Done) -> tuple[dict[str, Any], dict[str, Any]]:
    first, second = json.loads(done.stdout)
    return first, second


def test_all_is_well(run: Run, emulators: Emulators) -> None:
    done = run("check", **variables(emulators))
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert lines[0][:3] == ["source", "reachable", "credential"]
    assert lines[1][:6] == ["SALESLOFT", "yes", "accepted", "6", "of", "6"]
    assert lines[2][:6] == ["DRIFT", "yes", "accepted", "3", "of", "3"]
    assert {line[-1] for line in lines[1:]} == {"read"}
    assert len(lines) == 3
    asked = [*emulators.salesloft.calls, *emulators.drift.calls]
    assert len(asked) == 9
    assert max(call.cost for call in asked) == 1


def test_all_is_well_for_machines(run: Run, emulators: Emulators) -> None:
    first, second = outputs(run("check", "--json", **variables(emulators)))
    assert first.pop("budgetRemaining") in range(200, 300)
    assert abs(first.pop("clockSkew")) < 5
    assert first == {
        "source": "SALESLOFT",
        "reachable": True,
        "trouble": None,
        "endpoints": [],
        "credentialAccepted": True,
        "scopes": SCOPES,
        "scopesMissing": [],
        "scopesUnknown": [],
        "rows": 1,
        "unreadable": [],
        "unknown": [],
        "problem": None,
        "webhooks": None,
    }
    assert second["scopes"] == DRIFTS


@pytest.mark.parametrize(
    ("endpoint", "status", "told_as"),
    [
        ("tasks", 403, "scopesMissing"),
        ("meetings", 403, "scopesMissing"),
        ("cadences", 401, "scopesMissing"),
        ("accounts", 404, "scopesUnknown"),
    ],
)
def test_a_scope_that_is_missing(run: Run, emulators: Emulators, endpoint: str, status: int, told_as: str) -> None:
    emulators.salesloft.faults.add(Status(status), endpoint)
    scope = f"{endpoint}:read"
    done = run("check", "--json", **variables(emulators))
    first, second = outputs(done)
    assert done.returncode == 1
    assert (first["reachable"], first["credentialAccepted"], first["problem"]) == (True, True, None)
    assert [scope] == first["scopesMissing"] + first["scopesUnknown"] == first[told_as]
    assert first["scopes"] == [each for each in SCOPES if each != scope]
    assert second["scopesMissing"] == []
    people = run("check", **variables(emulators)).stdout
    assert scope in people.splitlines()[-1]
    assert "5 of 6" in people


def test_a_scope_that_drift_misses(run: Run, emulators: Emulators) -> None:
    emulators.drift.faults.add(Status(403), "contacts")
    done = run("check", "--json", **variables(emulators))
    assert (done.returncode, outputs(done)[1]["scopesMissing"]) == (1, ["contact_read"])


def test_a_credential_that_is_refused(run: Run, emulators: Emulators) -> None:
    wrong = run("check", "--json", **{**variables(emulators), "DRIFT_TOKEN": TOKEN})
    first, second = outputs(wrong)
    assert wrong.returncode == 1
    assert (first["credentialAccepted"], first["problem"]) == (True, None)
    assert (second["reachable"], second["credentialAccepted"], second["scopes"]) == (True, False, [])
    assert "credential" in second["problem"]
    people = run("check", **{**variables(emulators), "DRIFT_TOKEN": TOKEN})
    assert people.stdout.splitlines()[2].split()[:3] == ["DRIFT", "yes", "refused"]
    assert TOKEN not in wrong.stdout + wrong.stderr + people.stdout + people.stderr


def test_a_source_that_cannot_be_reached(run: Run) -> None:
    gone = run("check", "--json", DRIFT_TOKEN=TOKEN, DRIFT_URL="http://127.0.0.1:9")
    (only,) = json.loads(gone.stdout)
    assert (gone.returncode, only["reachable"], only["credentialAccepted"]) == (1, False, None)
    assert TOKEN not in gone.stdout + gone.stderr


PAGE = b"<html><body>We have moved on, and so should you.</body></html>"
WORDS = "moved on"


class Wrong(NamedTuple):
    """A wrong answer, and how it is reported: the kind of trouble, the status, and words of the sentence."""

    fault: Fault
    trouble: str
    status: int | None
    told_as: str


WRONG = [
    Wrong(*case)
    for case in (
        (Status(404), "gone", 404, "gone"),
        (Status(404, PAGE), "gone", 404, "gone"),
        (Status(410), "gone", 410, "gone"),
        (Status(301, PAGE, {"Location": "https://elsewhere.example/"}), "gone", 301, "gone"),
        (Status(200, PAGE), "not_json", 200, "no JSON"),
        (Empty(), "not_json", 200, "no JSON"),
        (Empty(204), "not_json", 204, "no JSON"),
        (Status(200, b"{}"), "malformed", 200, "JSON without what was asked for"),
        (Status(200, b'{"data": null}'), "malformed", 200, "JSON without what was asked for"),
        (Status(400), "rejected", 400, "not accepted"),
        (Status(503), "server_error", 503, "it fails"),
        (Reset(), "reset", None, "closed"),
    )
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("case", WRONG, ids=lambda case: str(case.fault))
@pytest.mark.parametrize("source", ["SALESLOFT", "DRIFT"])
def test_a_source_that_answers_wrongly(run: Run, emulators: Emulators, source: str, case: Wrong) -> None:
    """It is said what is wrong, and that the credential was accepted is not made up."""
    emulated = emulators.salesloft if source == "SALESLOFT" else emulators.drift
    emulated.faults.add(case.fault)
    done = run("check", "--json", **variables(emulators))
    found = {each["source"]: each for each in outputs(done)}
    people = run("check", **variables(emulators)).stdout
    wrong = found[source]
    vital = "/v2/meetings" if source == "SALESLOFT" else "/users/meetings/org"
    assert done.returncode == 1
    assert (wrong["reachable"], wrong["credentialAccepted"], wrong["scopes"]) == (True, None, [])
    assert wrong["trouble"] == case.trouble
    named = {(each["endpoint"], each["trouble"], each["status"]) for each in wrong["endpoints"]}
    assert (vital, case.trouble, case.status) in named
    assert vital in wrong["problem"]
    assert case.told_as in wrong["problem"]
    assert wrong["problem"] in people
    assert WORDS not in done.stdout + people
    (other,) = found.keys() - {source}
    assert (found[other]["trouble"], found[other]["credentialAccepted"]) == (None, True)


UNREACHED = {
    "dns": ("https://drift.example", "host name"),
    "connection_refused": ("http://127.0.0.1:9", "refused"),
    "tls": ("https://127.0.0.1:{port}", "no secure connection"),
    "timeout": ("http://127.0.0.1:{port}", "DRIFT_TIMEOUT"),
}


@pytest.mark.parametrize("trouble", UNREACHED)
def test_a_source_that_is_not_reached(
    run: Run, emulators: Emulators, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    url, told_as = UNREACHED[trouble]

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if trouble == "dns":
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    emulators.drift.faults.add(Hang())
    settings = {"DRIFT_TOKEN": TOKEN, "DRIFT_URL": url.format(port=emulators.drift.url.rpartition(":")[2])}
    settings["DRIFT_TIMEOUT"] = "0.05" if trouble == "timeout" else "10"
    done = run("check", "--json", **settings)
    (only,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert (only["reachable"], only["credentialAccepted"], only["trouble"]) == (False, None, trouble)
    assert told_as in only["problem"]
    assert {each["trouble"] for each in only["endpoints"]} == {trouble}


@pytest.mark.parametrize(
    ("fault", "trouble", "accepted"),
    [
        (Status(400), "refused", False),
        (Status(401), "refused", False),
        (Status(404), "refused", False),
        (Status(200, PAGE), "not_json", None),
        (Status(500), "server_error", None),
    ],
    ids=str,
)
def test_a_client_that_gets_no_token(
    run: Run, emulators: Emulators, fault: Fault, trouble: str, accepted: bool | None
) -> None:
    emulators.salesloft.faults.add(fault, "oauth/token")
    settings = client_of(emulators) | {"SALESLOFT_URL": emulators.salesloft.url}
    done = run("check", "--json", **settings)
    (only,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert (only["trouble"], only["credentialAccepted"], only["scopes"]) == (trouble, accepted, [])
    assert "/oauth/token" in only["problem"]
    assert "emulated-secret" not in done.stdout + done.stderr


def test_an_endpoint_beside_the_meetings(run: Run, emulators: Emulators) -> None:
    emulators.salesloft.faults.add(Status(403), "tasks")
    emulators.salesloft.faults.add(Status(200, PAGE), "accounts")
    done = run("check", "--json", **variables(emulators))
    first, _ = outputs(done)
    assert done.returncode == 1
    assert (first["trouble"], first["scopesMissing"], first["scopesUnknown"]) == (
        None,
        ["tasks:read"],
        ["accounts:read"],
    )
    assert {(each["endpoint"], each["trouble"]) for each in first["endpoints"]} == {
        ("/v2/tasks", "refused"),
        ("/v2/accounts", "not_json"),
    }
    assert "/v2/accounts: no JSON" in run("check", **variables(emulators)).stdout


def test_no_source_at_all(run: Run) -> None:
    assert run("check").returncode == 2


@pytest.mark.parametrize(
    ("fault", "name", "place"),
    [
        (BadRows(wrong_type("startTime_of_tomorrow", 1)), "unknown", "startTime_of_tomorrow"),
        (BadRows(wrong_type("attendees", "nobody")), "unreadable", "attendees"),
    ],
)
def test_what_is_odd_about_a_row(run: Run, emulators: Emulators, fault: Fault, name: str, place: str) -> None:
    emulators.salesloft.faults.add(fault, "meetings")
    done = run("check", "--json", **variables(emulators))
    assert done.returncode == 0, "what is odd can be lived with"
    assert place in str(outputs(done)[0][name])
    assert place in run("check", **variables(emulators)).stdout


def test_a_clock_that_is_wrong(run: Run, emulators: Emulators) -> None:
    ahead = formatdate(time.time() + 600, usegmt=True)
    emulators.drift.faults.add(Status(200, b'{"data": []}', {"Date": ahead}))
    done = run("check", "--json", **variables(emulators))
    skew = outputs(done)[1]["clockSkew"]
    assert 500 < skew < 700
    assert "clock is -" in run("check", **variables(emulators)).stdout


PASSWORD = "pw-not-to-be-seen"


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisServer]:
    with redis_server("--requirepass", PASSWORD) as server:
        yield server


@pytest.mark.parametrize(
    "case",
    [
        (f":{PASSWORD}@", True, True, None),
        ("", True, False, "Redis refuses the user or password of GATEWAY_CACHE_URL"),
        (":wrong@", True, False, "Redis refuses the user or password of GATEWAY_CACHE_URL"),
        ("gone", False, None, "Redis does not answer (ConnectionError)"),
    ],
    ids=["right", "none", "wrong", "gone"],
)
def test_the_cache_of_replicas(
    run: Run, emulators: Emulators, guarded: RedisServer, case: tuple[str, bool, bool | None, str | None]
) -> None:
    user, reachable, accepted, said = case
    url = "redis://127.0.0.1:9/0" if user == "gone" else f"redis://{user}127.0.0.1:{guarded.port}/0"
    settings = {**variables(emulators), "GATEWAY_CACHE_URL": url}
    done = run("check", "--json", **settings)
    *sources, cache = json.loads(done.stdout)
    assert [each["problem"] for each in sources] == [None, None]
    assert (cache["source"], cache["reachable"], cache["credentialAccepted"]) == ("CACHE", reachable, accepted)
    assert cache["problem"] == said
    assert done.returncode == (0 if said is None else 1)
    people = run("check", **settings).stdout.splitlines()
    assert people[3].split()[:2] == ["CACHE", "yes" if reachable else "no"]
    assert people[-1] == (people[3] if said is None else f"CACHE: {said}")
    assert PASSWORD not in done.stdout + done.stderr


def test_a_cache_that_only_reads(run: Run, emulators: Emulators) -> None:
    with redis_server() as primary, redis_server("--replicaof", "127.0.0.1", f"{primary.port}") as replica:
        done = run("check", **{**variables(emulators), "GATEWAY_CACHE_URL": replica.url})
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("CACHE: Redis is a replica that only reads")
