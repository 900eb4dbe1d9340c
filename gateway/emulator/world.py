"""The seeded sales team: everything that the emulated vendors know, the same for the same seed and moment."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from gateway.emulator import chat, meetings, prospects, team
from gateway.emulator.calendly import bookings as calendly_bookings
from gateway.emulator.calendly import team as calendly_team
from gateway.emulator.chat import BookingMaker, Visitors
from gateway.emulator.meetings import Staff
from gateway.emulator.table import Row, Table, nth


@dataclass
class SalesloftWorld:
    """What Salesloft holds, each row as it is sent.

    Meetings always carry `owned_by_meetings_settings` and `booked_by_meetings_settings` here; the API shows them on
    request. Ids in the `hidden_…` sets exist, but not for this token: by group privacy they are left out and answer 404
    (users: left out unless `visible_only=false`).
    """

    me_id: int
    team: Row
    users: Table[int]
    people: Table[int]
    accounts: Table[int]
    cadences: Table[int]
    steps: Table[int]
    tasks: Table[int]
    meetings: Table[int]
    hidden_users: set[int] = field(default_factory=set, repr=False)
    hidden_people: set[int] = field(default_factory=set, repr=False)
    hidden_cadences: set[int] = field(default_factory=set, repr=False)
    managers: dict[int, str] = field(default_factory=dict, repr=False)
    """User id to the manager's GUID; only a filter shows it."""
    due_steps: set[int] = field(default_factory=set, repr=False)
    """Steps with due actions; only a filter shows it."""
    idempotency_keys: dict[str, int] = field(default_factory=dict, repr=False)
    """Key to task id; only a filter shows it."""


@dataclass
class DriftWorld:
    """What Drift holds, each row as it is sent.

    `bare_emails` (lower case) get a bare object from `/contacts?email=`.
    """

    users: Table[int]
    contacts: Table[int]
    conversations: Table[int]
    accounts: Table[str]
    meetings: Table[str]
    bare_emails: set[str] = field(default_factory=set, repr=False)


@dataclass
class CalendlyWorld:
    """What Calendly holds, each row as it is sent, by the last part of its URI; `me` is the token's own user."""

    me: str
    users: Table[str]
    memberships: Table[str]
    event_types: Table[str]
    events: Table[str]
    invitees: Table[str]
    _by_event: tuple[int, dict[str, list[Row]]] = field(default=(-1, {}), repr=False)

    def invitees_of(self, event: str) -> list[Row]:
        """Give the invitees of the event with a URI; indexed anew only where the table has changed."""
        version, index = self._by_event
        if version != self.invitees.version:
            index = {}
            for row in self.invitees.values():
                index.setdefault(row["event"], []).append(row)
            self._by_event = self.invitees.version, index
        return index.get(event, [])


@dataclass
class World:
    """The vendors' truth about one sales team around `now`. Tests read it as an oracle and change it."""

    now: datetime
    seed: int
    salesloft: SalesloftWorld
    drift: DriftWorld
    calendly: CalendlyWorld

    @classmethod
    def seeded(
        cls,
        now: datetime,
        seed: int = 7,
        *,
        users: int = 40,
        accounts: int = 300,
        people: int = 2_000,
        cadences: int = 60,
        tasks: int = 1_200,
        salesloft_meetings: int = 5_000,
        drift_meetings: int = 800,
        calendly_meetings: int = 300,
    ) -> "World":
        """Make the world around a moment. Every kind has its own random stream, so that sizes are independent.

        Args:
            now: the moment, with a time zone; seconds are dropped, so that a demo restarted at once is the same.
            seed: other seeds make other worlds.
            users: at least 2, as is `people`.
            accounts: at least 1, as is `cadences`.
            people: Salesloft's; Drift's contacts follow from its meetings.
            cadences: each with three to seven steps.
            tasks: may be 0, as may all numbers of meetings.
            salesloft_meetings: from 270 days back to some 95 days ahead.
            drift_meetings: from 270 days back to 90 days ahead, most of them within the last 30 days or ahead.
            calendly_meetings: from 120 days back to some 90 days ahead; a third are Salesloft's too, a tenth Drift's.
        """
        now = now.astimezone(UTC).replace(second=0, microsecond=0)

        def stream(kind: str) -> Random:
            return Random(f"{seed}:{kind}")

        team_rows = team.users(stream("users"), now, users)
        companies = prospects.accounts(stream("accounts"), now, accounts, team_rows)
        cadence_rows = team.cadences(stream("cadences"), now, cadences, team_rows)
        step_rows = team.steps(stream("steps"), now, cadence_rows)
        person_rows = prospects.people(
            stream("people"), now, people, owners=team_rows, companies=companies, cadences=cadence_rows
        )
        task_rows = prospects.tasks(stream("tasks"), now, tasks, team_rows, person_rows)
        staff = Staff(team_rows, person_rows, cadence_rows, step_rows, task_rows)
        meeting_rows = meetings.fill(stream("meetings"), now, salesloft_meetings, staff)

        agent_rows = chat.users(stream("agents"), now, team_rows)
        drift_accounts = chat.accounts(stream("drift accounts"), now, companies, agent_rows)
        visitors = Visitors(stream("visitors"), now, strangers=drift_meetings)
        maker = BookingMaker(stream("bookings"), now, team_rows, agent_rows, visitors)
        bookings = maker.fill(drift_meetings, meeting_rows, by_id(person_rows))
        return cls(
            now=now,
            seed=seed,
            salesloft=SalesloftWorld(
                me_id=team_rows[0]["id"],
                team=team.team_row(now),
                users=Table(by_id(team_rows)),
                people=Table(by_id(person_rows)),
                accounts=Table(by_id(companies)),
                cadences=Table(by_id(cadence_rows)),
                steps=Table(by_id(step_rows)),
                tasks=Table(by_id(task_rows)),
                meetings=Table(meetings.number(meeting_rows)),
                hidden_users={row["id"] for row in team_rows if (row["group"] or {}).get("id") == team.PRIVATE_GROUP},
                hidden_people={row["id"] for number, row in enumerate(person_rows) if nth(number, 180, 11)},
                hidden_cadences={row["id"] for number, row in enumerate(cadence_rows) if nth(number, 30, 7)},
                managers={row["id"]: team_rows[0]["guid"] for number, row in enumerate(team_rows) if nth(number, 4, 1)},
                due_steps={row["id"] for number, row in enumerate(step_rows) if nth(number, 3)},
                idempotency_keys={
                    f"task-{number}": row["id"] for number, row in enumerate(task_rows) if nth(number, 50)
                },
            ),
            drift=DriftWorld(
                users=Table(by_id(agent_rows)),
                contacts=Table(visitors.contacts),
                conversations=Table(visitors.conversations),
                accounts=Table({row["accountId"]: row for row in drift_accounts}),
                meetings=Table(bookings),
                bare_emails=visitors.bare_emails,
            ),
            calendly=_calendly(
                stream("calendly"),
                now,
                calendly_meetings,
                users=team_rows,
                people=person_rows,
                meetings=meeting_rows,
                bookings=bookings,
                contacts=visitors.contacts,
            ),
        )

    def touch(self) -> None:
        """Say that rows were changed in place, whichever they were."""
        for side in (self.salesloft, self.drift, self.calendly):
            for table in vars(side).values():
                if isinstance(table, Table):
                    table.touch()


def _calendly(
    rng: Random,
    now: datetime,
    count: int,
    *,
    users: list[Row],
    people: list[Row],
    meetings: list[Row],
    bookings: dict[str, Row],
    contacts: dict[int, Row],
) -> CalendlyWorld:
    hosts = calendly_team.users(rng, now, users)
    event_types = calendly_team.event_types(rng, now, hosts)
    maker = calendly_bookings.EventMaker(rng, now, hosts=hosts, event_types=event_types, people=people)
    maker.fill(
        count,
        salesloft=meetings,
        salesloft_people=by_id(people),
        drift=list(bookings.values()),
        contacts=contacts,
    )
    return CalendlyWorld(
        me=calendly_team.key_of(hosts[0]["uri"]),
        users=Table(by_uri(hosts)),
        memberships=Table(by_uri(calendly_team.memberships(rng, hosts))),
        event_types=Table(by_uri(event_types)),
        events=Table(maker.events),
        invitees=Table(maker.invitees),
    )


def by_uri(rows: list[Row]) -> dict[str, Row]:
    """Index rows by the last part of their `uri`."""
    return {calendly_team.key_of(row["uri"]): row for row in rows}


def by_id(rows: list[Row]) -> dict[int, Row]:
    """Index rows by `id`."""
    return {row["id"]: row for row in rows}
