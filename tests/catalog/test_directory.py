"""Users and people, each once: joined by any of their addresses, whatever their case and space."""

from __future__ import annotations

import pytest

from gateway.catalog.directory import Team
from gateway.errors import UpstreamUnavailable
from gateway.model.records import Kind, Person, Ref, Source, User
from gateway.request import Request
from gateway.sources.base import Found
from tests.catalog.fake import Fake
from tests.catalog.fakes import FakeUsers
from tests.catalog.worlds import PEOPLE, USERS, everybody

SALESLOFT, DRIFT = Source.SALESLOFT, Source.DRIFT
DOWN = UpstreamUnavailable("down", source="SALESLOFT")


def ours(source_id: str, *emails: str, guid: str | None = None) -> User:
    return User(source=SALESLOFT, source_id=source_id, guid=guid, emails=emails)


def theirs(source_id: str, *emails: str) -> User:
    return User(source=DRIFT, source_id=source_id, emails=emails)


def test_a_user_is_joined_by_any_of_their_addresses() -> None:
    team = Team({SALESLOFT: [ours("1", "a@x.example", "B@x.example", guid="g")], DRIFT: [theirs("7", " b@X.example")]})
    (user,) = team.users
    assert [twin.source_id for twin in user.twins] == ["7"]
    assert team.by_email("A@X.EXAMPLE ") is user
    assert team.by_ref(Ref(DRIFT, Kind.USER, "7")) is user
    assert team.aliases([Ref(DRIFT, Kind.USER, "7")]) >= {Ref(SALESLOFT, Kind.USER, "1")}


def test_users_of_one_source_are_never_joined() -> None:
    team = Team({SALESLOFT: [ours("2", "a@x.example"), ours("1", "a@x.example")], DRIFT: []})
    assert [user.source_id for user in team.users] == ["1", "2"]
    found = team.by_email("a@x.example")
    assert found is not None
    assert found.source_id == "1", "the lowest id"


def test_users_without_addresses_stand_alone() -> None:
    assert len(Team({SALESLOFT: [ours("1")], DRIFT: [theirs("7")]}).users) == 2


async def test_the_team_is_joined_once_while_its_lists_are_the_same(fake: Fake) -> None:
    """In every request it took a twentieth of a second of the event loop at a few thousand users."""
    directory = fake.catalog.directory

    class Held(FakeUsers):
        async def all(self, request: Request) -> Found[User]:
            self.log.call(self.rows.source, "users")
            return Found(rows=self.rows.users)

    for source, rows in ((SALESLOFT, fake.salesloft), (DRIFT, fake.drift)):
        directory._ports[source] = Held(rows, fake.log)
    first, _ = await directory.team(Request(deadline=1000))
    again, _ = await directory.team(Request(deadline=1000))
    assert again is first
    assert again.led_by(SALESLOFT) is first.led_by(SALESLOFT)
    fake.drift.users = [*fake.drift.users, theirs("79", "new@x.example")]
    anew, _ = await directory.team(Request(deadline=1000))
    assert anew is not first
    assert anew.by_email("new@x.example") is not None
    some, _ = await directory.team(Request(deadline=1000), frozenset({SALESLOFT}))
    assert {user.source for user in some.users} == {SALESLOFT}
    fake.log.failing = lambda name, _: DOWN if name.startswith("drift") else None
    lacking, errors = await directory.team(Request(deadline=1000))
    assert errors == {DRIFT: DOWN}
    assert lacking is some, "it is made of the same list"


@pytest.fixture
def fake() -> Fake:
    fake = Fake()
    everybody(fake.salesloft, fake.drift, fake.calendly)
    return fake


async def test_a_contact_is_shown_as_the_person_with_one_of_its_addresses(fake: Fake) -> None:
    found = await fake.catalog.people.by_refs(Request(deadline=1000), PEOPLE)
    shown = [(person.source, person.source_id) for person in found.values() if isinstance(person, Person)]
    ann, bob = (SALESLOFT, "1"), (SALESLOFT, "2")
    assert shown == [ann, bob, ann, ann, bob, (DRIFT, "94"), (DRIFT, "95")]
    assert fake.log.calls.count("salesloft.people.by_emails") == 1, "one look-up for all of them"


async def test_a_contact_is_shown_as_it_is_where_salesloft_is_down(fake: Fake) -> None:
    fake.log.failing = lambda name, _: DOWN if name.startswith("salesloft") else None
    found = await fake.catalog.people.by_refs(Request(deadline=1000), PEOPLE[1:3])
    assert found[PEOPLE[1]] is DOWN
    assert isinstance(found[PEOPLE[2]], Person)


async def test_an_address_finds_the_first_source_s_person(fake: Fake) -> None:
    person = await fake.catalog.people.by_email(Request(deadline=1000), " ANN@home.example")
    assert person is not None
    assert (person.source, person.source_id) == (SALESLOFT, "1")


async def test_everything_of_one_person(fake: Fake) -> None:
    whole = await fake.catalog.people.whole(Request(deadline=1000), fake.salesloft.people[0])
    assert [twin.source_id for twin in whole.twins] == ["91", "92"]


async def test_salesloft_s_users_are_asked_for_by_key_and_drift_s_by_the_team(fake: Fake) -> None:
    await fake.catalog.directory.by_refs(Request(deadline=1000), USERS[:2])
    assert fake.log.calls == ["salesloft.users.by_refs"]
    fake.log.calls.clear()
    found = await fake.catalog.directory.by_refs(Request(deadline=1000), USERS)
    assert sorted(fake.log.calls) == ["drift.users", "salesloft.users"]
    assert [(user.source, user.source_id) for user in found.values() if isinstance(user, User)] == [
        (SALESLOFT, "1"),
        (SALESLOFT, "2"),
        (SALESLOFT, "1"),
        (SALESLOFT, "2"),
        (DRIFT, "73"),
    ]
