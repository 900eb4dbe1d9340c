"""Salesloft as far as its documents go, in memory: a client that answers as the vendor would, for tests of the walks.

It shares no code with the adapter. Rows are the vendor's JSON as dicts; tests change them as they like, also between
two calls. The order within one instant is nobody's promise: it is some fixed one, or another for every call.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from gateway.request import Request
from gateway.settings.lifetimes import RecordLifetimes
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client, raw_body
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.freshness import Lifetimes
from gateway.upstream.http import Session, Upstream, UpstreamCall

Row = dict[str, Any]

RANGES = ("gt", "gte", "lt", "lte")
KNOWN = {
    *("ids[]", "status", "person_id", "account_id", "person_ids[]", "event_ids[]", "i_cal_uids[]", "task_ids[]"),
    *(f"{field}[{operator}]" for field in ("start_time", "created_at") for operator in RANGES),
    *("user_guids[]", "show_deleted", "booked_by_user_uuid", "no_show", "meeting_type_id", "cadence_id", "step_id"),
    "include_meetings_settings",
    *("sort_by", "sort_direction", "per_page", "page", "include_paging_counts", "limit_paging_counts"),
}


def stub(identifier: object) -> Row | None:
    """A related record as it is named."""
    return None if identifier is None else {"id": identifier, "_href": f"https://upstream.example/v2/x/{identifier}"}


def row(identifier: int, **fields: object) -> Row:
    """A meeting with every filterable field."""
    known: Row = {
        "id": identifier,
        "title": f"Meeting {identifier}",
        "start_time": "2026-01-01T00:00:00.000000Z",
        "end_time": None,
        "created_at": "2025-12-01T00:00:00.000000Z",
        "updated_at": "2025-12-01T00:00:00.000000Z",
        "canceled_at": None,
        "no_show": False,
        "status": "booked",
        "event_id": f"event-{identifier}",
        "i_cal_uid": f"event-{identifier}@google.com",
        "person": None,
        "cadence": None,
        "step": None,
        "account_id": None,
        "task_id": None,
        "meeting_type_id": None,
        "owned_by_user": None,
        "booked_by_user": None,
        "attendees": [],
        "guests": [],
    }
    assert fields.keys() <= known.keys(), fields.keys() - known.keys()
    return {**known, **fields}


NOTHING = Lifetimes(fresh=0, stale=0, fallback=0, absent=0)
NOTHING_KEPT = RecordLifetimes(pages=NOTHING)
"""Lifetimes for tests of what is asked, which nothing that was kept is to answer."""


class Vendor(Client):
    """`GET /v2/meetings` over a list of rows. No socket is opened.

    Attributes:
        rows: The meetings.
        calls: The parameters of every call that was sent.
        before: Called before each answer, with the number of calls so far.
        paging: Whether answers say where they stand; those that are asked for counts do.
        most: What `per_page` is corrected to at most.
        ignored: Parameters that it ignores.
        restless: Whether rows of one instant come in another order for every call.
    """

    def __init__(self, rows: Sequence[Row], seed: int = 0) -> None:
        clock = ManualClock()
        super().__init__(
            Upstream(name="SALESLOFT", base_url="http://127.0.0.1"),
            StaticToken(Secret("t0ken")),
            Budget("SALESLOFT", 600, clock),
            cast("Session", None),
            clock,
        )
        self.rows = list(rows)
        self.calls: list[list[tuple[str, str]]] = []
        self.costs: list[int] = []
        self.before: Callable[[int], None] | None = None
        self.paging = True
        self.most = 100
        self.ignored: frozenset[str] = frozenset()
        self.restless = False
        self._random = random.Random(seed)

    async def get(
        self,
        request: Request,
        endpoint: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        read: Callable[[bytes], Awaitable[Any]] = raw_body,
        cost: int = 1,
        one: bool = False,
        large: bool = False,
        plain: UpstreamCall[Any] | None = None,
    ) -> Any:
        """Answers every call anew, as the client does."""
        assert (endpoint, path, one) == ("/v2/meetings", "/v2/meetings", False)
        assert plain is None or plain.endpoint == endpoint
        if self.before is not None:
            self.before(len(self.calls))
        self.calls.append(list(params))
        self.costs.append(cost)
        return await read(json.dumps(self._answer(params)).encode())

    def asked(self, call: int = -1) -> dict[str, list[str]]:
        """A call's parameters by name."""
        named: dict[str, list[str]] = {}
        for name, value in self.calls[call]:
            named.setdefault(name, []).append(value)
        return named

    def _answer(self, params: Sequence[tuple[str, str]]) -> Row:
        named: dict[str, list[str]] = {}
        for name, value in params:
            assert name in KNOWN, name
            assert name.endswith("[]") or name not in named, f"{name} twice"
            named.setdefault(name, []).append(value)
        found = [each for each in self.rows if matches(each, {k: v for k, v in named.items() if k not in self.ignored})]
        if self.restless:
            self._random.shuffle(found)
        else:
            found.sort(key=lambda each: (each["id"] * 7919) % 1009)
        (field,), (direction,) = named.get("sort_by", ["start_time"]), named.get("sort_direction", ["DESC"])
        valued = [each for each in found if each[field] is not None]
        valued.sort(key=lambda each: parsed(each[field]), reverse=direction == "DESC")
        found = valued + [each for each in found if each[field] is None]
        per_page, page = int(named.get("per_page", ["25"])[0]), int(named.get("page", ["1"])[0])
        assert 1 <= per_page <= 100
        assert page >= 1
        per_page = min(per_page, self.most)
        first = (page - 1) * per_page
        paging: Row = {
            "per_page": per_page,
            "current_page": page,
            "next_page": page + 1 if first + per_page < len(found) else None,
            "prev_page": page - 1 or None,
        }
        if named.get("include_paging_counts") == ["true"]:
            assert named["limit_paging_counts"] == ["false"]
            paging["total_count"] = len(found)
            paging["total_pages"] = -(-len(found) // per_page)
        metadata = {"filtering": {}, "sorting": {"sort_by": field, "sort_direction": f"{direction} NULLS LAST"}}
        if self.paging or "total_count" in paging:
            metadata["paging"] = paging
        return {"metadata": metadata, "data": found[first : first + per_page]}


def parsed(text: str) -> datetime:
    """A time as the vendor writes it."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is UTC or moment.utcoffset() is not None
    return moment


def _id(value: object) -> str | None:
    if isinstance(value, dict):
        value = value["id"]
    return None if value is None else str(value)


def matches(each: Row, named: dict[str, list[str]]) -> bool:
    """Whether a row is among those asked for (Salesloft: List meetings)."""
    one_of = {
        "ids[]": each["id"],
        "status": each["status"],
        "person_id": each["person"],
        "person_ids[]": each["person"],
        "account_id": each["account_id"],
        "task_ids[]": each["task_id"],
        "user_guids[]": each["owned_by_user"],
        "booked_by_user_uuid": each["booked_by_user"],
        "meeting_type_id": each["meeting_type_id"] or "default_personal_meeting",
        "cadence_id": each["cadence"],
        "step_id": each["step"],
    }
    if any(_id(value) not in named[name] for name, value in one_of.items() if name in named):
        return False
    events = [(each["event_id"], "event_ids[]"), (each["i_cal_uid"], "i_cal_uids[]")]
    given = [value in named[name] for value, name in events if name in named]
    if given and not any(given):
        return False
    if "show_deleted" in named and (each["canceled_at"] is not None) != (named["show_deleted"] == ["true"]):
        return False
    if "no_show" in named and bool(each["no_show"]) != (named["no_show"] == ["true"]):
        return False
    return all(
        _in_range(each[field], {operator: named.get(f"{field}[{operator}]") for operator in RANGES})
        for field in ("start_time", "created_at")
    )


def _in_range(value: str | None, bounds: dict[str, list[str] | None]) -> bool:
    for operator, bound in bounds.items():
        if bound is None:
            continue
        if value is None:
            return False
        limit, moment = parsed(bound[0]), parsed(value)
        holds = {"gt": moment > limit, "gte": moment >= limit, "lt": moment < limit, "lte": moment <= limit}
        if not holds[operator]:
            return False
    return True
