"""Contacts by id and by address: a call each."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from gateway.errors import (
    DeadlineExceeded,
    UpstreamError,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.model.records import Person, Source
from gateway.request import Stale, Why
from gateway.sources.base import Found, PeopleLookup
from gateway.sources.drift import wire
from tests.sources.drift.fake import NOW, FakeDrift, request

REFUSED = UpstreamRefused("Not with this credential.", source="DRIFT")
LIMITED = UpstreamRateLimited("Later.", source="DRIFT", retry_after=30)
DOWN = UpstreamUnavailable("Down.", source="DRIFT")
SLOW = UpstreamTimeout("Slow.", source="DRIFT")
LATE = DeadlineExceeded("The operation's time is up.")

WHOLE = {
    "id": 18330425511,
    "createdAt": 1717825403810,
    "attributes": {
        "externalId": "crm-77",
        "name": "Inês Prado",
        "first_name": "Inês",
        "last_name": "Prado",
        "email": "Ines.Prado@buyer.example",
        "phone": "+351 21 000 00 00",
        "title": "Head of Ops",
        "company": "Buyer Lda",
        "city": "Lisboa",
        "state": "Lisboa",
        "country": "PT",
        "tags": ["vip", {"name": "Trial", "color": "0960C5"}, {"color": "ffffff"}],
        "last_active": 1717826661680,
        "last_contacted": 1717826661681,
        "start_date": 1717825403811,
        "ip": "203.0.113.9",
        "original_ip": "203.0.113.10,203.0.113.11",
        "last_context_location": '{"city":"Secretville","latitude":38.7}',
        "recent_entrance_page_url": "https://shop.example/secret",
        "socialProfiles": {"somewhere": "https://profile.example/ines"},
        "events": {"secret event": 1717826661680},
        "_END_USER_VERSION": 12,
    },
}


def contact(number: int = 18330425511, **attributes: Any) -> dict[str, Any]:
    return {"id": number, "createdAt": 1717825403810, "attributes": attributes}


def people(vendor: FakeDrift) -> PeopleLookup:
    port = vendor.ports.people
    assert port is not None
    return port


async def by_id(answer: Any) -> Found[Person]:
    return await people(FakeDrift(answers={"/contacts/18330425511": answer})).by_ids(request(), ["18330425511"])


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


async def test_every_field_has_its_place_and_nothing_else_is_stored() -> None:
    (record,) = (await by_id(WHOLE)).rows
    assert msgspec.structs.replace(record, raw=None) == Person(
        source=Source.DRIFT,
        source_id="18330425511",
        name="Inês Prado",
        first_name="Inês",
        last_name="Prado",
        email="Ines.Prado@buyer.example",
        emails=("Ines.Prado@buyer.example",),
        phone="+351 21 000 00 00",
        title="Head of Ops",
        company_name="Buyer Lda",
        city="Lisboa",
        state="Lisboa",
        country="PT",
        tags=("vip", "Trial"),
        last_contacted_at=utc("2024-06-08T06:04:21.681"),
        created_at=utc("2024-06-08T05:43:23.810"),
    )
    raw = msgspec.json.encode(record.raw)
    for secret in (b"203.0.113", b"Secretville", b"shop.example", b"profile.example", b"secret event", b"VERSION"):
        assert secret not in raw
    assert isinstance(record.raw, wire.Contact)
    assert record.raw.attributes is not None
    assert record.raw.attributes.external_id == "crm-77"
    assert record.raw.attributes.last_active == 1717826661680
    assert record.raw.attributes.start_date == 1717825403811


@pytest.mark.parametrize(
    ("attributes", "name", "first", "last"),
    [
        ({"name": "Ana Lu"}, "Ana Lu", None, None),
        ({"first_name": "Ana Lu"}, "Ana Lu", None, None),
        ({"first_name": "Ana"}, "Ana", "Ana", None),
        ({"first_name": "Ana Lu", "last_name": "Sá"}, "Ana Lu Sá", "Ana Lu", "Sá"),
        ({"last_name": "Sá"}, "Sá", None, "Sá"),
        ({"name": "A. Sá", "first_name": "Ana"}, "A. Sá", "Ana", None),
        ({"name": "", "first_name": ""}, None, "", None),
        ({}, None, None, None),
    ],
)
async def test_names(attributes: dict[str, Any], name: str | None, first: str | None, last: str | None) -> None:
    (record,) = (await by_id(contact(**attributes))).rows
    assert (record.name, record.first_name, record.last_name) == (name, first, last)


@pytest.mark.parametrize("bare", [{"id": 18330425511}, {"id": 18330425511, "attributes": None, "createdAt": None}])
async def test_a_contact_without_attributes(bare: Any) -> None:
    found = await by_id(bare)
    (record,) = found.rows
    assert msgspec.structs.replace(record, raw=None) == Person(source=Source.DRIFT, source_id="18330425511")
    assert not found.problems


ATTRIBUTES = {
    *("name", "first_name", "last_name", "email", "emails", "phone", "title", "company_name", "city", "state"),
    *("country", "tags", "last_contacted_at"),
}


@pytest.mark.parametrize(
    ("row", "unreadable", "problem"),
    [
        (contact(email={}), {"email", "emails"}, "attributes.email"),
        (contact(phone=[1]), {"phone"}, "attributes.phone"),
        (contact(first_name={}), {"name", "first_name"}, "attributes.first_name"),
        (contact(first_name={}, name="Ana"), {"first_name"}, "attributes.first_name"),
        (contact(tags="vip"), {"tags"}, "attributes.tags"),
        (contact(tags=["vip", 7.5, []]), set(), "attributes.tags"),
        (contact(last_contacted="x"), {"last_contacted_at"}, "attributes.last_contacted"),
        (contact(last_active="x"), {"drift.attributes.last_active"}, "attributes.last_active"),
        (contact() | {"createdAt": 10**18}, {"created_at"}, "created_at"),
        (contact() | {"attributes": "none"}, ATTRIBUTES, "attributes"),
    ],
)
async def test_an_unreadable_attribute_costs_only_itself(row: Any, unreadable: set[str], problem: str) -> None:
    found = await by_id(row)
    (record,) = found.rows
    attributes = {name for name in record.unreadable if "." not in name}
    assert attributes == {name for name in unreadable if "." not in name}
    assert record.unreadable >= unreadable
    assert any(name.startswith(f"drift.{problem}") for name in record.unreadable)
    assert [reported.where for reported in found.problems] == [problem]


async def test_one_call_each_and_what_does_not_exist_is_left_out() -> None:
    vendor = FakeDrift(answers={"/contacts/1": contact(1), "/contacts/2": None, "/contacts/3": contact(3)})
    found = await people(vendor).by_ids(request(), ["3", "1", "2", "1"])
    assert sorted(record.source_id for record in found.rows) == ["1", "3"]
    assert (found.failures, found.problems, found.incomplete) == ({}, (), None)
    assert [endpoint for endpoint, _, _ in vendor.calls] == ["/contacts/{id}"] * 3
    assert sorted(vendor.paths) == ["/contacts/1", "/contacts/2", "/contacts/3"]


@pytest.mark.parametrize("key", ["", "abc", "-1", "1.5", "1/../2", "٣", "9" * 20, " 1"])
async def test_what_cannot_be_an_id_costs_no_call(key: str) -> None:
    vendor = FakeDrift()
    assert (await people(vendor).by_ids(request(), [key])).rows == []
    assert (await people(vendor).by_ids(request(), [])).rows == []
    assert vendor.calls == []


async def test_another_contact_than_the_one_asked_for_is_nobody() -> None:
    assert (await by_id(contact(7))).rows == []


@pytest.mark.parametrize("failure", [DOWN, SLOW, REFUSED, UpstreamMalformed("What?", source="DRIFT")])
async def test_one_that_fails_does_not_lose_the_others(failure: UpstreamError) -> None:
    answers: dict[str, Any] = {f"/contacts/{number}": contact(number) for number in range(30)}
    answers["/contacts/0"] = failure
    answers["/contacts/17"] = failure
    found = await people(FakeDrift(answers=answers)).by_ids(request(), [str(number) for number in range(30)])
    assert len(found.rows) == 28
    assert found.failures == {"0": failure, "17": failure}


async def test_an_answer_that_cannot_be_read_is_its_own_keys_failure() -> None:
    vendor = FakeDrift(answers={"/contacts/1": contact(1), "/contacts/2": b"<html>"})
    found = await people(vendor).by_ids(request(), ["1", "2"])
    assert [record.source_id for record in found.rows] == ["1"]
    assert isinstance(found.failures["2"], UpstreamMalformed)


@pytest.mark.parametrize("failure", [REFUSED, LIMITED, LATE])
async def test_a_failure_of_all_is_raised(failure: UpstreamError) -> None:
    vendor = FakeDrift(answers={f"/contacts/{number}": failure for number in range(25)})
    with pytest.raises(type(failure)) as error:
        await people(vendor).by_ids(request(), [str(number) for number in range(25)])
    assert error.value is failure


async def test_what_is_known_is_not_asked_for_again() -> None:
    vendor = FakeDrift(answers={f"/contacts/{number}": contact(number) for number in range(5)} | {"/contacts/5": None})
    port, ids = people(vendor), [str(number) for number in range(6)]
    await port.by_ids(request(), ids[2:])
    vendor.clock.advance(40)
    this = request()
    found = await port.by_ids(this, ids)
    assert sorted(record.source_id for record in found.rows) == ids[:5]
    assert vendor.paths == [f"/contacts/{number}" for number in (2, 3, 4, 5, 0, 1)]
    assert (this.freshness.as_of("DRIFT"), this.freshness.stale("DRIFT")) == (NOW / 1000, None)
    vendor.clock.advance(30)  # a minute and more: who did not exist may by now
    await port.by_ids(request(), ids)
    assert vendor.paths[6:] == ["/contacts/5"]


async def test_nobody_is_lost_to_a_failure_who_is_known() -> None:
    answers: dict[str, Any] = {"/contacts/1": contact(1, name="Ana"), "/contacts/2": contact(2)}
    vendor = FakeDrift(answers=answers)
    port = people(vendor)
    await port.by_ids(request(), ["1", "2"])
    vendor.clock.advance(5 * 60 + 60 * 60)
    vendor.answers = {"/contacts/1": DOWN, "/contacts/2": contact(2, name="Rui"), "/contacts/3": DOWN}
    this = request()
    found = await port.by_ids(this, ["1", "2", "3"])
    assert {record.source_id: record.name for record in found.rows} == {"1": "Ana", "2": "Rui"}
    assert found.failures == {"3": DOWN}
    assert this.freshness.stale("DRIFT") == Stale(NOW / 1000, Why.NO_ANSWER)


async def test_a_first_refusal_that_was_one_contacts_own() -> None:
    answers: dict[str, Any] = {f"/contacts/{number}": contact(number) for number in range(40)}
    answers |= {f"/contacts/{number}": REFUSED for number in range(9)}
    found = await people(FakeDrift(answers=answers)).by_ids(request(), [str(number) for number in range(40)])
    assert len(found.rows) == 31
    assert set(found.failures) == {str(number) for number in range(9)}


async def test_all_failing_each_in_its_own_way_is_an_error() -> None:
    vendor = FakeDrift(answers={"/contacts/1": DOWN, "/contacts/2": SLOW})
    with pytest.raises(UpstreamUnavailable):
        await people(vendor).by_ids(request(), ["1", "2"])
    assert len(vendor.calls) == 2


async def test_by_address() -> None:
    vendor = FakeDrift(
        answers={
            "/contacts?ana@buyer.example": [
                contact(30, email="ANA@buyer.example"),
                contact(4, email=" ana@Buyer.example "),
                contact(5, email="somebody.else@buyer.example"),
                contact(6),
            ],
            "/contacts?rui@buyer.example": contact(7, email="rui@buyer.example"),
            "/contacts?nobody@buyer.example": [],
            "/contacts?gone@buyer.example": None,
        }
    )
    asked = [
        "ana@buyer.example",
        "rui@buyer.example",
        "nobody@buyer.example",
        "gone@buyer.example",
        "Ana@buyer.example ",
    ]
    found = await people(vendor).by_emails(request(), asked)
    assert [record.source_id for record in found.rows] == ["4", "7", "30"]
    assert (found.failures, found.problems, found.incomplete) == ({}, (), None)
    assert sorted(params["email"] for _, _, params in vendor.calls) == sorted(
        ["ana@buyer.example", "rui@buyer.example", "nobody@buyer.example", "gone@buyer.example"]
    )
    assert {(endpoint, path, params["limit"]) for endpoint, path, params in vendor.calls} == {
        ("/contacts", "/contacts", "50")
    }


async def test_what_is_no_address_costs_no_call() -> None:
    vendor = FakeDrift()
    assert (await people(vendor).by_emails(request(), ["", "  ", "nobody"])).rows == []
    assert vendor.calls == []


async def test_an_address_that_fails_is_reported_by_address() -> None:
    vendor = FakeDrift(
        answers={"/contacts?a@b.example": DOWN, "/contacts?c@b.example": [contact(1, email="c@b.example")]}
    )
    found = await people(vendor).by_emails(request(), ["a@b.example", "c@b.example"])
    assert [record.source_id for record in found.rows] == ["1"]
    assert found.failures == {"a@b.example": DOWN}


async def test_an_address_with_a_full_answer_is_said() -> None:
    rows = [contact(number, email="team@b.example") for number in range(50)]
    found = await people(FakeDrift(answers={"/contacts?team@b.example": rows})).by_emails(request(), ["team@b.example"])
    assert len(found.rows) == 50
    assert found.incomplete == "More than 50 Drift contacts may share one address."
