"""Users out of the one list, and conversations a call each."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import msgspec
import pytest

from gateway.errors import UpstreamUnavailable
from gateway.model.records import Conversation, ConversationTag, Kind, Ref, Source, User, UserKey
from gateway.sources import base
from gateway.sources.base import Lookup
from gateway.sources.drift import wire
from tests.sources.drift.fake import FakeDrift, request

WHOLE = {
    "id": 2104417,
    "orgId": 88120,
    "name": "Noor Haddad",
    "alias": "noor",
    "email": "noor@seller.example",
    "phone": "555-0142",
    "locale": "en-GB",
    "availability": "ON_CALL",
    "role": "agent",
    "timeZone": "Asia/Amman",
    "avatarUrl": "https://img.seller.example/noor.png",
    "verified": True,
    "bot": False,
    "createdAt": 1606273669631,
    "updatedAt": 1614550516644,
}
BOT = {"id": 1, "name": "Helper", "bot": True}


def users(vendor: FakeDrift) -> base.UserLookup:
    port = vendor.ports.users
    assert port is not None
    return port


def ref(key: str, source: Source = Source.DRIFT, by: UserKey = UserKey.ID) -> Ref:
    return Ref(source, Kind.USER, key, by)


async def test_every_field_has_its_place() -> None:
    vendor = FakeDrift(answers={"/users/list": [WHOLE, BOT]})
    noor, bot = (await users(vendor).all(request())).rows
    assert msgspec.structs.replace(noor, raw=None) == User(
        source=Source.DRIFT,
        source_id="2104417",
        name="Noor Haddad",
        email="noor@seller.example",
        emails=("noor@seller.example",),
        time_zone="Asia/Amman",
        phone="555-0142",
        avatar_url="https://img.seller.example/noor.png",
        updated_at=dt.datetime(2021, 2, 28, 22, 15, 16, 644_000, dt.UTC),
    )
    assert msgspec.to_builtins(noor.raw) == WHOLE
    assert noor.active is None
    assert isinstance(bot.raw, wire.User)
    assert bot.raw.bot is True
    assert bot.emails is None
    assert vendor.calls == [("/users/list", "/users/list", {})]


async def test_by_reference_in_one_call_a_request() -> None:
    vendor = FakeDrift(answers={"/users/list": [WHOLE, BOT]})
    port, this = users(vendor), request()
    one, two = await asyncio.gather(
        port.by_refs(this, [ref("1"), ref("404")]), port.by_refs(this, [ref("2104417"), ref("2104417")])
    )
    assert [user.source_id for user in one.rows] == ["1"]
    assert [user.source_id for user in two.rows] == ["2104417"]
    assert len((await port.all(this)).rows) == 2
    assert len(vendor.calls) == 1


async def test_other_references_name_nobody_and_cost_no_call() -> None:
    vendor = FakeDrift()
    others = [ref("1", Source.SALESLOFT), ref("1", by=UserKey.GUID), Ref(Source.DRIFT, Kind.PERSON, "1")]
    assert (await users(vendor).by_refs(request(), others)).rows == []
    assert vendor.calls == []


async def test_broken_rows_of_the_list() -> None:
    rows: list[Any] = [WHOLE | {"phone": {}, "timeZone": []}, {"name": "No id"}, {"id": ""}, BOT | {"createdAt": "x"}]
    found = await users(FakeDrift(answers={"/users/list": rows})).all(request())
    assert [(user.source_id, set(user.unreadable)) for user in found.rows] == [
        ("2104417", {"phone", "time_zone", "drift.phone", "drift.time_zone"}),
        ("1", {"drift.created_at"}),
    ]
    assert {(reported.where, reported.lost) for reported in found.problems} == {
        ("phone", False),
        ("time_zone", False),
        ("created_at", False),
        ("a row without a readable id", True),
    }


CHAT = {
    "id": 4402218876,
    "status": "closed",
    "participants": [2104417, 1],
    "contactId": 18330425511,
    "inboxId": 5501,
    "relatedPlaybookId": 6602,
    "conversationTags": [{"color": "0960C5", "name": "pricing"}, {"name": "demo"}],
    "createdAt": 1717825403810,
    "updatedAt": 1717826661680,
}


def conversations(vendor: FakeDrift) -> Lookup[Conversation]:
    port = vendor.ports.conversations
    assert port is not None
    return port


async def test_a_conversation() -> None:
    vendor = FakeDrift(answers={"/conversations/4402218876": CHAT, "/conversations/2": None})
    found = await conversations(vendor).by_ids(request(), ["4402218876", "2", "x"])
    (chat,) = found.rows
    assert msgspec.structs.replace(chat, raw=None) == Conversation(
        source=Source.DRIFT,
        source_id="4402218876",
        status="closed",
        contact=Ref(Source.DRIFT, Kind.PERSON, "18330425511"),
        participants=(ref("2104417"), ref("1")),
        inbox_id="5501",
        related_playbook_id="6602",
        tags=(ConversationTag(name="pricing", color="0960C5"), ConversationTag(name="demo")),
        created_at=dt.datetime(2024, 6, 8, 5, 43, 23, 810_000, dt.UTC),
        updated_at=dt.datetime(2024, 6, 8, 6, 4, 21, 680_000, dt.UTC),
    )
    assert [(endpoint, path) for endpoint, path, _ in vendor.calls] == [
        ("/conversations/{id}", "/conversations/4402218876"),
        ("/conversations/{id}", "/conversations/2"),
    ]


async def test_a_bare_conversation_and_a_broken_one() -> None:
    broken = CHAT | {
        "id": 2,
        "participants": [1, {}],
        "contactId": True,
        "conversationTags": [{"name": []}],
        "inboxId": [],
    }
    vendor = FakeDrift(answers={"/conversations/1": {"id": 1}, "/conversations/2": broken})
    found = await conversations(vendor).by_ids(request(), ["1", "2"])
    bare, odd = found.rows
    assert msgspec.structs.replace(bare, raw=None) == Conversation(source=Source.DRIFT, source_id="1")
    assert {name for name in odd.unreadable if "." not in name} == {"contact", "inbox_id"}
    assert {"drift.contact_id", "drift.inbox_id"} <= odd.unreadable
    assert odd.participants == (ref("1"),)
    assert odd.tags == (ConversationTag(unreadable=frozenset({"name"}), source=Source.DRIFT),)
    assert {reported.where for reported in found.problems} == {
        "participants",
        "contact_id",
        "conversation_tags.name",
        "inbox_id",
    }


async def test_one_conversation_that_fails_does_not_lose_the_others() -> None:
    down = UpstreamUnavailable("Down.", source="DRIFT")
    vendor = FakeDrift(answers={"/conversations/4402218876": CHAT, "/conversations/2": down})
    found = await conversations(vendor).by_ids(request(), ["4402218876", "2"])
    assert len(found.rows) == 1
    assert found.failures == {"2": down}


def test_ports_that_drift_cannot_fill() -> None:
    ports = FakeDrift().ports
    assert ports.source is Source.DRIFT
    assert (ports.cadences, ports.steps, ports.accounts, ports.tasks) == (None,) * 4


@pytest.mark.parametrize("rows", [[], [{"id": 5}]])
async def test_an_unknown_user_is_nobody(rows: list[Any]) -> None:
    found = await users(FakeDrift(answers={"/users/list": rows})).by_refs(request(), [ref("6")])
    assert found.rows == []
