"""The workload that engines are compared by: meetings with everything around them, in memory, made alike everywhere.

M100 asks for 100 meetings (3,907 fields, about 106 KB of JSON), M10 for ten, and `tiny` for one leaf.
"""

from __future__ import annotations

import datetime as dt
import enum

import msgspec

EPOCH = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
MOST = 500

QUERY = """query Meetings($first: Int!) {
  meetings(first: $first) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges {
      cursor
      node {
        id title status startTime endTime duration meetingUrl description location noShow createdAt updatedAt
        person { id firstName lastName emailAddress }
        cadence { id name }
        owner { id name email }
        attendees { id name email status }
      }
    }
  }
}"""
TINY = "{ ping }"

SDL = """
scalar DateTime
enum Status { BOOKED PENDING HELD }
type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
type Person { id: ID! firstName: String lastName: String emailAddress: String! }
type Cadence { id: ID! name: String! }
type User { id: ID! name: String! email: String! }
type Attendee { id: ID! name: String email: String! status: String }
type Meeting {
  id: ID! title: String! status: Status startTime: DateTime! endTime: DateTime duration: Int! meetingUrl: String
  description: String location: String noShow: Boolean! createdAt: DateTime! updatedAt: DateTime!
  person: Person cadence: Cadence owner: User! attendees: [Attendee!]!
}
type MeetingEdge { cursor: String! node: Meeting! }
type MeetingConnection { pageInfo: PageInfo! edges: [MeetingEdge!]! }
type Query { meetings(first: Int!): MeetingConnection! ping: String! }
"""


class Status(enum.Enum):
    """A meeting's state."""

    BOOKED = "BOOKED"
    PENDING = "PENDING"
    HELD = "HELD"


class Person(msgspec.Struct, frozen=True):
    """Whom a meeting is with."""

    number: int
    first_name: str | None
    last_name: str | None
    email_address: str


class Cadence(msgspec.Struct, frozen=True):
    """What led to a meeting."""

    number: int
    name: str


class User(msgspec.Struct, frozen=True):
    """Who holds a meeting."""

    number: int
    name: str
    email: str


class Attendee(msgspec.Struct, frozen=True):
    """An invited address."""

    key: str
    name: str | None
    email: str
    status: str | None


class Meeting(msgspec.Struct, frozen=True):
    """A meeting, and the keys of what is around it."""

    number: int
    title: str
    status: Status | None
    start_time: dt.datetime
    end_time: dt.datetime | None
    duration: int
    meeting_url: str | None
    description: str | None
    location: str | None
    no_show: bool
    created_at: dt.datetime
    updated_at: dt.datetime
    person: int | None
    cadence: int | None
    owner: int
    attendees: tuple[Attendee, ...]


PEOPLE = {n: Person(n, f"First{n}", f"Last{n}", f"p{n}@example.com") for n in range(1, 81)}
CADENCES = {n: Cadence(n, f"Cadence {n}") for n in range(1, 13)}
USERS = {n: User(n, f"User {n}", f"u{n}@example.com") for n in range(1, 21)}


def _meeting(n: int) -> Meeting:
    start = EPOCH + dt.timedelta(hours=n)
    return Meeting(
        number=n,
        title=f"Meeting {n}",
        status=list(Status)[n % 3],
        start_time=start,
        end_time=start + dt.timedelta(minutes=30),
        duration=30,
        meeting_url=f"https://meet.example.com/{n}",
        description="Intro call about the product and next steps " * 2,
        location=None,
        no_show=n % 7 == 0,
        created_at=EPOCH + dt.timedelta(minutes=n),
        updated_at=EPOCH + dt.timedelta(seconds=n),
        person=1 + n * 37 % 80,
        cadence=1 + n * 5 % 12,
        owner=1 + n * 7 % 20,
        attendees=tuple(Attendee(f"{n}-{k}", f"Att {n} {k}", f"a{n}.{k}@example.com", "accepted") for k in range(3)),
    )


MEETINGS = [_meeting(n) for n in range(1, MOST + 1)]
