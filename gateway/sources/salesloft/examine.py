"""What Salesloft's documents leave open, asked of an account: about 22 units, all of them reads of a first page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from gateway.model.records import Source
from gateway.sources.examination import Ask, OutOfUnits, Reply, Row, Verdict
from gateway.sources.salesloft import wire
from gateway.sources.verdicts import fields, limit_headers, offsets, undecided, verdict, words

Params: TypeAlias = Sequence[tuple[str, str]]

MEETINGS, PEOPLE, USERS = "/v2/meetings", "/v2/people", "/v2/users"
PAGE: Params = (("per_page", "100"), ("sort_by", "updated_at"), ("sort_direction", "DESC"))
COUNTED: Params = (*PAGE, ("include_paging_counts", "true"))
FEW: Params = (("per_page", "25"),)

SIZES = (100, 250, 500)
"""How many ids one call is tried with; the gateway sends 100, or less where they are long."""

FIRST_UNLIKELY = 2_000_000_000
"""Ids from here on stand for nothing, most likely; should one exist, it does no harm."""

COST_HEADERS = {"x-ratelimit-endpoint-cost", "x-ratelimit-remaining-minute"}
TIMES = ("created_at", "updated_at")
MEETING_WORDS = ("status", "reschedule_status", "event_source", "calendar_type", "recurring_interval")
OTHERS: Mapping[str, tuple[str, type[msgspec.Struct], tuple[str, ...]]] = {
    "people": (PEOPLE, wire.Person, ()),
    "users": (USERS, wire.User, ("seat_package",)),
    "cadences": ("/v2/cadences", wire.Cadence, ("current_state", "cadence_function")),
    "steps": ("/v2/steps", wire.Step, ("type",)),
    "accounts": ("/v2/accounts", wire.Account, ()),
    "tasks": ("/v2/tasks", wire.Task, ("task_type", "current_state")),
}
"""What meetings refer to: the path, the rows' type, and the fields whose words are of interest."""


async def examine(ask: Ask) -> list[Verdict]:
    """The verdicts on an account; those for which there are no units left are missing."""
    examination = Examination(ask)
    verdicts: list[Verdict] = []
    try:
        if not await examination.look():
            return []
        for question in examination.questions:
            verdicts += await question()
    except OutOfUnits:
        pass
    return verdicts


class Examination:
    """What is known of an account, and the questions that are put to it.

    Args:
        ask: Makes a call.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._plain = self._active = self._canceled = Reply(status=0)
        self.questions: tuple[Callable[[], Awaitable[list[Verdict]]], ...] = (
            self._deleted,
            self._headers,
            self._canceled_by_id,
            self._ids,
            self._events,
            self._guids,
            self._no_show,
            self._single,
            self._unknown_filter,
            self._bad_time,
            self._users_by_guid,
            self._meeting_fields,
            self._related,
        )

    async def look(self) -> bool:
        """Reads what most questions look at; whether that was answered."""
        self._plain = await self._meetings(COUNTED)
        if self._plain.good:
            self._active = await self._meetings((*COUNTED, ("show_deleted", "false")))
            self._canceled = await self._meetings((*COUNTED, ("show_deleted", "true")))
        return self._plain.good

    @property
    def rows(self) -> list[Row]:
        """Meetings, each once."""
        replies = (self._plain, self._active, self._canceled)
        return list({row.get("id"): row for reply in replies for row in reply.rows}.values())

    async def _meetings(self, params: Params) -> Reply:
        return await self._ask(MEETINGS, params)

    async def _found(self, params: Params) -> set[object]:
        return {row.get("id") for row in (await self._meetings((*FEW, *params))).rows}

    async def _deleted(self) -> list[Verdict]:
        """Which meetings come without `show_deleted`, and whether it says what it shows."""
        question = "meetings without show_deleted"
        total, active, canceled = map(_total, (self._plain, self._active, self._canceled))
        kept = all(row.get("canceled_at") for row in self._canceled.rows) and not any(
            row.get("canceled_at") for row in self._active.rows
        )
        counts = f"{total} without it, {active} with false, {canceled} with true"
        kinds = {active: "active", canceled: "cancelled", (active or 0) + (canceled or 0): "both"}
        answer = kinds.get(total, "neither") if canceled and active else None
        apart = ("each kind alone" if kept else "mixed") if self._canceled.rows and self._active.rows else None
        shown = f"{len(self._active.rows)} and {len(self._canceled.rows)} rows"
        return [
            verdict(question, answer, counts, expected=("active", "cancelled", "both")),
            verdict("show_deleted=false, show_deleted=true", apart, shown, expected=["each kind alone"]),
        ]

    async def _headers(self) -> list[Verdict]:
        return [limit_headers(self._plain, expected=COST_HEADERS)]

    async def _canceled_by_id(self) -> list[Verdict]:
        question = "a cancelled meeting by ids[] alone"
        row = next(iter(self._canceled.rows), None)
        if row is None:
            return [undecided(question, "no cancelled meeting")]
        found = row.get("id") in await self._found([("ids[]", str(row.get("id")))])
        return [verdict(question, "found" if found else "not found")]

    async def _ids(self) -> list[Verdict]:
        """How many ids a call takes: real ones stand last, behind others that nothing has."""
        real = [row["id"] for row in self._active.rows[:10] if isinstance(row.get("id"), int)]
        question = "ids[] in one call"
        if not real:
            return [undecided(question, "no active meeting")]
        taken = 0
        for size in SIZES:
            made_up = [str(FIRST_UNLIKELY + number) for number in range(size - len(real))]
            ids = [("ids[]", value) for value in (*made_up, *map(str, real))]
            if not set(real) <= await self._found((*ids, ("show_deleted", "false"))):
                break
            taken = size
        answer = f"at least {taken}" if taken else f"fewer than {SIZES[0]}"
        return [verdict(question, answer, f"{len(real)} of them real", expected=[f"at least {size}" for size in SIZES])]

    async def _events(self) -> list[Verdict]:
        rows = [row for row in self._active.rows if isinstance(row.get("event_id"), str) and row["event_id"]]
        many, ored = "event_ids[] in one call", "event_ids[] with i_cal_uids[]"
        if not rows:
            return [undecided(question, "no meeting with an event id") for question in (many, ored)]
        row, active = rows[0], ("show_deleted", "false")
        ids = [*(f"gateway-verify-{number:015d}" for number in range(SIZES[0] - 1)), row["event_id"]]
        found = row["id"] in await self._found([*(("event_ids[]", value) for value in ids), active])
        least = f"at least {SIZES[0]}"
        verdicts = [verdict(many, least if found else f"fewer than {SIZES[0]}", expected=[least])]
        with_uid = (each for each in rows if each.get("i_cal_uid") and each["event_id"] != row["event_id"])
        other = next((each for each in with_uid if each["i_cal_uid"] != row.get("i_cal_uid")), None)
        if other is None:
            return [*verdicts, undecided(ored, "no two meetings to tell it by")]
        keys = [("event_ids[]", row["event_id"]), ("i_cal_uids[]", other["i_cal_uid"]), active]
        both = {row["id"], other["id"]} <= await self._found(keys)
        return [*verdicts, verdict(ored, "ORed" if both else "not ORed", expected=["ORed"])]

    async def _guids(self) -> list[Verdict]:
        """Whose meetings `user_guids[]` selects, found by one that somebody else booked for its owner."""
        question = "user_guids[] selects"
        people = [(row["id"], _guid(row, "owned_by_user"), _guid(row, "booked_by_user")) for row in self._active.rows]
        apart = next((each for each in people if each[1] and each[2] and each[1] != each[2]), None)
        if apart is None:
            return [undecided(question, "no meeting that somebody else than its owner booked")]
        id_, *guids = apart
        found = [
            id_ in await self._found([("ids[]", str(id_)), ("user_guids[]", str(guid)), ("show_deleted", "false")])
            for guid in guids
        ]
        selected = {
            (True, False): "owners",
            (False, True): "bookers",
            (True, True): "either",
            (False, False): "neither",
        }
        return [
            verdict(
                question, selected[found[0], found[1]], "one meeting, asked by each of its users", expected=["owners"]
            )
        ]

    async def _no_show(self) -> list[Verdict]:
        rows = (await self._meetings([*FEW, ("no_show", "true")])).rows
        if not rows:
            return [undecided("no_show=true", "no meeting with a no-show")]
        only = all(row.get("no_show") for row in rows)
        answer = "no-shows alone" if only else "no-shows among others"
        return [verdict("no_show=true", answer, f"{len(rows)} rows")]

    async def _single(self) -> list[Verdict]:
        question = "GET /v2/meetings/{id}"
        row = next(iter(self.rows), None)
        if row is None:
            return [undecided(question, "no meeting")]
        reply = await self._ask(f"{MEETINGS}/{row.get('id')}", ())
        return [verdict(question, "there" if reply.good else f"not there ({reply.status})")]

    async def _unknown_filter(self) -> list[Verdict]:
        reply = await self._meetings([("per_page", "1"), ("gateway_verify", "1")])
        answer = "ignored" if reply.good else f"refused ({reply.status})"
        return [verdict("a filter that there is not", answer)]

    async def _bad_time(self) -> list[Verdict]:
        reply = await self._meetings([("per_page", "1"), ("start_time[gte]", "never")])
        answer = "ignored" if reply.good else f"refused ({reply.status})"
        return [verdict("a time that is not valid", answer)]

    async def _users_by_guid(self) -> list[Verdict]:
        """Whether the users that meetings name can be asked for, and whether by their GUIDs in any case."""
        question = "users by guid[]"
        guid = next((guid for row in self.rows if (guid := _guid(row, "owned_by_user", "booked_by_user"))), None)
        if guid is None:
            return [undecided(question, "no meeting with a user")]
        turned = guid.upper() if guid != guid.upper() else guid.lower()
        for asked, answer in ((turned, "in any case"), (guid, "as sent")):
            reply = await self._ask(
                USERS, [("guid[]", asked), ("visible_only", "false"), ("per_page", "100"), ("page", "1")]
            )
            if any(str(row.get("guid", "")).lower() == guid.lower() for row in reply.rows):
                return [verdict(question, answer)]
        return [verdict(question, "not found", expected=["in any case", "as sent"])]

    async def _meeting_fields(self) -> list[Verdict]:
        rows = self.rows
        attendees = [each for row in rows for each in row.get("attendees") or () if isinstance(each, dict)]
        return [
            _fields("meetings", [self._plain, self._active, self._canceled], wire.Meeting),
            words("words of meetings", rows, MEETING_WORDS),
            words("words of attendees", attendees, ("status", "affiliation")),
            offsets("times of meetings", rows, ("start_time", "end_time", *TIMES), expected=["Z"]),
        ]

    async def _related(self) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for name, (path, row, wordy) in OTHERS.items():
            whole = [("page", "1"), ("visible_only", "false")] if path == USERS else []
            reply = await self._ask(path, [*FEW, *whole])
            verdicts.append(_fields(name, [reply], row))
            if reply.good:
                verdicts.append(offsets(f"times of {name}", reply.rows, TIMES, expected=None))
                verdicts += [words(f"words of {name}", reply.rows, wordy)] if wordy else []
                verdicts += await self._addresses(reply.rows) if path == PEOPLE else []
        return verdicts

    async def _addresses(self, people: Iterable[Row]) -> list[Verdict]:
        question = "email_addresses[] looks at"
        names = ("secondary_email_address", "personal_email_address")
        known = ((row, row[name]) for row in people for name in names if isinstance(row.get(name), str) and row[name])
        row, address = next(known, (None, None))
        if row is None or address is None:
            return [undecided(question, "no person with two addresses")]
        found = await self._ask(PEOPLE, [*FEW, ("email_addresses[]", address)])
        answer = "every address" if any(each.get("id") == row.get("id") for each in found.rows) else "the first address"
        return [verdict(question, answer, "one person, asked by another address")]


def _total(reply: Reply) -> int | None:
    """How many rows a list has, as it says."""
    metadata = reply.body.get("metadata")
    paging = metadata.get("paging") if isinstance(metadata, dict) else None
    total = paging.get("total_count") if isinstance(paging, dict) else None
    return total if isinstance(total, int) else None


def _guid(row: Row, *names: str) -> str | None:
    users = (row.get(name) for name in names)
    return next((user["id"] for user in users if isinstance(user, dict) and isinstance(user.get("id"), str)), None)


def _fields(name: str, replies: Sequence[Reply], row: type[msgspec.Struct]) -> Verdict:
    return fields(f"fields of {name}", replies, row, source=Source.SALESLOFT.value)
