"""One record's trouble is that record's: it is not asked for over and over, and shuts out no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from gateway.emulator.door import Answer, Ask
from gateway.emulator.faults import Status
from gateway.emulator.world import World
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from tests.upstream_e2e.kinds import JSON, SECRET
from tests.upstream_e2e.stage import Product, Reply, world
from tests.upstream_e2e.test_troubles import WELL, ask, ready, reported, staged, states

MEETINGS = (
    "{ meetings(first: 60, filter: {sources: [DRIFT]}) { nodes { id person { id name } } sourceReports { status } } }"
)
WRONG = {403: "UPSTREAM_REFUSED", 400: "UPSTREAM_UNAVAILABLE", 500: "UPSTREAM_UNAVAILABLE", 301: "UPSTREAM_UNAVAILABLE"}

Answering = Callable[[Ask], Answer]


@pytest.fixture(scope="module")
def small() -> World:
    return world()


@pytest.fixture(scope="module")
def contacts(small: World) -> list[str]:
    """The contacts of the meetings, by path, in the order in which the list shows them."""
    rows = sorted(small.drift.meetings.data.values(), key=lambda row: row["slotStart"], reverse=True)
    return list(dict.fromkeys(f"/contacts/{row['schedulerId']}" for row in rows if row.get("schedulerId")))


def except_for(stage: Product, paths: set[str], status: int) -> Answering:
    """Drift, which answers so to calls for these paths."""
    app = stage.emulators.drift.app
    answer = app.answer

    def answered(asked: Ask) -> Answer:
        usual = answer(asked)
        return Answer(usual.endpoint, status, app.error_body(status, SECRET)) if asked.path in paths else usual

    return answered


def asked_for(stage: Product) -> Counter[str]:
    return Counter(call.path for call in stage.emulators.drift.calls)


def without_person(reply: Reply) -> int:
    return sum(node["person"] is None for node in reply.data["meetings"]["nodes"])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("status", WRONG)
async def test_one_contact(
    small: World, contacts: list[str], status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(small) as stage:
        usual = without_person(await ask(stage, MEETINGS))
    async with staged(small) as stage:
        monkeypatch.setattr(stage.emulators.drift.app, "answer", except_for(stage, {contacts[0]}, status))
        replies = [await ask(stage, MEETINGS) for _ in range(12)]
        calls, state, body = asked_for(stage), await states(stage), await ready(stage)
        stage.clock.advance(61)
        await ask(stage, MEETINGS)
        later = asked_for(stage)
    tries = 2 if status == 500 else 1
    for reply in replies:
        assert reply.codes == {WRONG[status]}
        assert without_person(reply) == usual + len(reply.errors)
        assert {report["status"] for report in reply.data["meetings"]["sourceReports"]} <= {"OK", "SKIPPED"}
    assert calls[contacts[0]] == tries
    assert {calls[path] for path in contacts[1:]} <= {0, 1}
    assert later[contacts[0]] == 2 * tries, "it is asked for again once some time has passed"
    assert state == WELL
    assert body["status"] == "OK"
    assert reported(caplog) == []


@pytest.mark.sampled(3)
@pytest.mark.parametrize("status", WRONG)
@pytest.mark.parametrize("which", ["first", "every other"])
async def test_several_contacts_beside_others(
    small: World, contacts: list[str], status: int, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though they come first, and are all that is asked for at first."""
    wrong = set(contacts[:8] if which == "first" else contacts[::2])
    async with staged(small) as stage:
        monkeypatch.setattr(stage.emulators.drift.app, "answer", except_for(stage, wrong, status))
        reply = await ask(stage, MEETINGS)
        people = [node["person"] for node in reply.data["meetings"]["nodes"] if node["person"] is not None]
        again = await ask(stage, MEETINGS)
        calls, state = asked_for(stage), await states(stage)
    assert reply.codes == {WRONG[status]}
    assert len({person["id"] for person in people}) > 5
    assert again.data == reply.data
    assert all(calls[path] for path in contacts[:20]), "nobody is left out because of others"
    assert state == WELL


@pytest.mark.sampled(3)
@pytest.mark.parametrize("status", [401, 403, 500])
async def test_all_contacts(small: World, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """That is no longer any record's trouble: the endpoint is named, and left alone."""
    async with staged(small) as stage:
        stage.emulators.drift.faults.add(Status(status, JSON), "contacts/{id}")
        for _ in range(12):
            reply = await ask(stage, MEETINGS)
        calls, state, body = asked_for(stage), await states(stage), await ready(stage)
    assert {report["status"] for report in reply.data["meetings"]["sourceReports"]} <= {"OK", "SKIPPED"}
    assert state == WELL | {"DRIFT": "DEGRADED"}
    trouble = "server_error" if status == 500 else "refused"
    assert body["troubles"] == {"DRIFT": {"/contacts/{id}": {"trouble": trouble, "status": status}}}
    assert reported(caplog) == [("DRIFT", "/contacts/{id}", trouble, status)]
    assert sum(count for path, count in calls.items() if path.startswith("/contacts/")) <= 45


async def test_people_of_a_source_that_is_gone(
    small: World, contacts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Look-ups alone report records that do not exist, and then that the source is down."""
    one = "query($id: ID!) { node(id: $id) { id } }"
    ids = [global_id(Kind.PERSON, Source.DRIFT, path.rpartition("/")[2]) for path in contacts]
    async with staged(small) as stage:
        stage.emulators.drift.faults.add(Status(404, JSON))
        replies = []
        for id_ in ids[:8]:
            replies.append(await ask(stage, one, id=id_))
            await stage.settle()
        state = await states(stage)
    assert replies[0].errors == []
    assert [reply.codes for reply in replies[-4:]] == [{"UPSTREAM_UNAVAILABLE"}] * 4
    assert state["DRIFT"] == "UNAVAILABLE"
    assert reported(caplog)[0] == ("DRIFT", "/users/meetings/org", "gone", 404)


async def test_people_who_do_not_exist(small: World, caplog: pytest.LogCaptureFixture) -> None:
    one = "query($id: ID!) { node(id: $id) { id } }"
    async with staged(small) as stage:
        for number in range(8):
            reply = await ask(stage, one, id=global_id(Kind.PERSON, Source.DRIFT, str(9_000_000_000 + number)))
            await stage.settle()
            assert reply.ok == {"node": None}
        calls, state = stage.endpoints, await states(stage)
    assert calls["users/meetings/org"] == 1, "whether the source is there at all was looked into, once"
    assert state == WELL
    assert reported(caplog) == []


PEOPLE = """
{ meetings(first: 60, filter: {sources: [SALESLOFT]}) { nodes { id person { id name } } sourceReports { status } } }
"""


def naming(stage: Product, name: str, value: str, status: int) -> Answering:
    """Salesloft, which does not accept a call that names this value."""
    app = stage.emulators.salesloft.app
    answer = app.answer

    def answered(asked: Ask) -> Answer:
        usual = answer(asked)
        odd = (name, value) in asked.params
        return Answer(usual.endpoint, status, {"errors": {name: [SECRET]}}, cost=1) if odd else usual

    return answered


@pytest.mark.parametrize("status", [400, 422])
async def test_one_key_of_a_call_for_many(
    small: World, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A call for a hundred people is not lost for one of them, who is singled out once."""
    async with staged(small) as stage:
        usual = await ask(stage, PEOPLE)
        (call,) = [call for call in stage.emulators.salesloft.calls if call.endpoint == "people"]
        ids = [value for name, value in call.params if name == "ids[]"]
    async with staged(small) as stage:
        monkeypatch.setattr(stage.emulators.salesloft.app, "answer", naming(stage, "ids[]", ids[7], status))
        reply = await ask(stage, PEOPLE)
        calls = stage.endpoints["people"]
        stage.clock.advance(11)  # the page is read anew
        again = await ask(stage, PEOPLE)
        more = stage.endpoints["people"] - calls
        stage.clock.advance(60)
        await ask(stage, PEOPLE)
        later = stage.endpoints["people"] - calls - more
        state, body = await states(stage), await ready(stage)
    odd = global_id(Kind.PERSON, Source.SALESLOFT, ids[7])
    expected = [
        {**node, "person": None} if node["person"] and node["person"]["id"] == odd else node
        for node in usual.ok["meetings"]["nodes"]
    ]
    assert len(ids) > 20
    assert reply.codes == {"UPSTREAM_UNAVAILABLE"}
    assert reply.data["meetings"]["nodes"] == again.data["meetings"]["nodes"] == expected
    assert calls <= 2 + 16, "the call itself, a look whether the list answers at all, and halves of it"
    assert more == 0
    assert 1 <= later <= 6, "it is asked for again once some time has passed, beside those that did not exist"
    assert state == WELL
    assert body["status"] == "OK"
    assert reported(caplog) == []


async def test_a_list_that_accepts_no_keys_at_all(small: World, caplog: pytest.LogCaptureFixture) -> None:
    async with staged(small) as stage:
        stage.emulators.salesloft.faults.add(Status(400, JSON), "people")
        for _ in range(12):
            reply = await ask(stage, PEOPLE)
            await stage.settle()
        calls, state = stage.endpoints["people"], await states(stage)
    assert reply.codes == {"UPSTREAM_UNAVAILABLE"}
    assert calls <= 8, "it is not taken apart for nothing"
    assert state["SALESLOFT"] == "DEGRADED"
    assert reported(caplog) == [("SALESLOFT", "/v2/people", "rejected", 400)]
