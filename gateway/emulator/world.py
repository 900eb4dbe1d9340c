"""The seeded sales team: everything that the emulated vendors know, the same for the same seed and moment."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from gateway.emulator import chat, meetings, prospects, team
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
    """User id to the manager's GUID; only a filter tells."""
    due_steps: set[int] = field(default_factory=set, repr=False)
    """Steps with due actions; only a filter tells."""
    idempotency_keys: dict[str, int] = field(default_factory=dict, repr=False)
    """Key to task id; only a filter tells."""


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
class World:
    """Both vendors' truth about one sales team around `now`. Tests read it as an oracle and change it."""

    now: datetime
    seed: int
    salesloft: SalesloftWorld
    drift: DriftWorld

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
    ) -> "World":
        """Make the world around a moment. Every kind has its own random stream, so that sizes are independent.

        Args:
            now: the moment, with a time zone; seconds are dropped, so that a demo restarted at once is the same.
            seed: other seeds make other worlds.
            users: at least 2, as is `people`.
            accounts: at least 1, as is `cadences`.
            people: Salesloft's; Drift's contacts follow from its meetings.
            cadences: each with three to seven steps.
            tasks: may be 0, as may both numbers of meetings.
            salesloft_meetings: from 270 days back to some 95 days ahead.
            drift_meetings: from 270 days back to 90 days ahead, most of them within the last 30 days or ahead.
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
        )

    def touch(self) -> None:
        """Say that rows were changed in place, whichever they were."""
        for side in (self.salesloft, self.drift):
            for table in vars(side).values():
                if isinstance(table, Table):
                    table.touch()


def by_id(rows: list[Row]) -> dict[int, Row]:
    """Index rows by `id`."""
    return {row["id"]: row for row in rows}
