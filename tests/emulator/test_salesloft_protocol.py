"""What all of Salesloft's endpoints have in common: credential, envelope, paging, costs, the minute, errors."""

import aiohttp
import pytest

from gateway.emulator.calendar import utc_text
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from tests.emulator.conftest import NOW, Client, Clock

LISTS = ["meetings", "people", "users", "cadences", "steps", "accounts", "tasks"]
PAGED = [name for name in LISTS if name != "users"]
NO_TOKEN = {"error": "No Bearer Token attached to request, please see documentation at developers.salesloft.com"}


@pytest.mark.parametrize("path", [*LISTS, "me", "team", "people/1"])
@pytest.mark.parametrize("token", [None, "ak-wrong"])
async def test_no_or_a_wrong_token_is_401(salesloft: Client, path: str, token: str | None) -> None:
    reply = await salesloft.get(f"/v2/{path}", token=token)
    assert (reply.status, reply.json) == (401, NO_TOKEN)
    assert salesloft.emulated.calls[-1].cost == 0


@pytest.mark.parametrize(
    "path", ["/", "/v2/", "/v2/notes", "/v2/people/1/notes", "/v1/people", "/v2/me/1", "/v2/people/"]
)
async def test_an_unknown_path_is_404(salesloft: Client, path: str) -> None:
    reply = await salesloft.get(path)
    assert (reply.status, reply.json) == (404, {"error": "Not Found"})
    assert salesloft.emulated.calls[-1].endpoint == "unknown"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_it_is_read_only(salesloft: Client, method: str) -> None:
    reply = await salesloft.get("/v2/people", method=method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET")
    assert reply.json == {"error": "Method Not Allowed"}


@pytest.mark.parametrize("name", LISTS)
async def test_paths_may_end_in_json(hub: Client, name: str) -> None:
    assert (await hub.get(f"/v2/{name}.json")).json == (await hub.get(f"/v2/{name}")).json
    if name != "meetings":
        key = (await hub.get(f"/v2/{name}")).ids[0]
        assert (await hub.get(f"/v2/{name}/{key}.json")).json["data"]["id"] == key


@pytest.mark.parametrize("name", PAGED)
async def test_envelope(hub: Client, name: str) -> None:
    reply = await hub.get(f"/v2/{name}")
    assert set(reply.json) == {"metadata", "data"}
    assert set(reply.json["metadata"]) == {"filtering", "paging", "sorting"}
    assert reply.json["metadata"]["filtering"] == {}
    assert reply.json["metadata"]["paging"] == {"per_page": 25, "current_page": 1, "next_page": 2, "prev_page": None}
    assert len(reply.rows) == 25
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", LISTS)
async def test_pages_make_the_whole_list_once(hub: Client, world: World, name: str) -> None:
    keys = [row["id"] for row in await hub.every(f"/v2/{name}")]
    assert len(keys) == len(set(keys))
    assert set(keys) <= set(getattr(world.salesloft, name))


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (-5, 1), (1, 1), (100, 100), (101, 100), (5000, 100)])
async def test_per_page_is_clamped_in_silence(hub: Client, asked: int, given: int) -> None:
    reply = await hub.get("/v2/meetings", ("per_page", asked))
    assert reply.json["metadata"]["paging"]["per_page"] == given == len(reply.rows)


async def test_page_is_clamped_in_silence(hub: Client) -> None:
    reply = await hub.get("/v2/meetings", ("page", -3))
    assert reply.json["metadata"]["paging"]["current_page"] == 1


async def test_a_page_past_the_end_is_empty(hub: Client) -> None:
    reply = await hub.get("/v2/cadences", ("page", 9))
    assert (reply.status, reply.rows) == (200, [])
    assert reply.json["metadata"]["paging"] == {"per_page": 25, "current_page": 9, "next_page": None, "prev_page": 8}


@pytest.mark.parametrize("name", LISTS)
async def test_counts_come_on_request(hub: Client, name: str) -> None:
    count = len(await hub.every(f"/v2/{name}"))
    reply = await hub.get(f"/v2/{name}", ("include_paging_counts", "true"), ("page", 1), ("per_page", 10))
    paging = reply.json["metadata"]["paging"]
    assert (paging["total_count"], paging["total_pages"]) == (count, -(-count // 10))
    without = await hub.get(f"/v2/{name}", ("include_paging_counts", "false"), ("page", 1))
    assert "total_count" not in without.json["metadata"]["paging"]


async def test_counts_can_be_capped_at_ten_thousand(salesloft: Client, small: World) -> None:
    one = next(row for row in small.salesloft.meetings.values() if row["canceled_at"] is None)
    active = sum(row["canceled_at"] is None for row in small.salesloft.meetings.values())
    for key in range(1_000_001, 1_010_050):
        small.salesloft.meetings[key] = one | {"id": key}
    params = (("include_paging_counts", "true"), ("per_page", 100))
    whole = await salesloft.get("/v2/meetings", *params)
    assert whole.json["metadata"]["paging"]["total_count"] == 10_049 + active
    capped = await salesloft.get("/v2/meetings", *params, ("limit_paging_counts", "true"))
    assert capped.json["metadata"]["paging"]["total_count"] == 10_000
    assert capped.json["metadata"]["paging"]["total_pages"] == 100


async def test_filtering_is_echoed(hub: Client) -> None:
    reply = await hub.get(
        "/v2/meetings",
        ("ids[]", 3),
        ("ids[]", 4),
        ("start_time[gte]", "2026-03-18T11:20:00-04:00"),
        ("no_show", "false"),
    )
    assert reply.json["metadata"]["filtering"] == {
        "ids": [3, 4],
        "start_time": {"gte": utc_text(NOW)},
        "no_show": False,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("strat_time[gt]", "x"), ("start_time[eq]", "x"), ("updated_at[gt]", "2026-01-01"), ("idz[]", 1)],
)
async def test_an_unknown_filter_is_ignored_and_recorded(salesloft: Client, name: str, value: object) -> None:
    plain, sent = await salesloft.get("/v2/meetings"), await salesloft.get("/v2/meetings", (name, value))
    assert (sent.status, sent.ids) == (200, plain.ids)
    assert sent.json["metadata"]["filtering"] == {}
    assert salesloft.emulated.calls[-1].unknown_params == (name,)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("meetings", "status", "held"),
        ("meetings", "sort_by", "title"),
        ("meetings", "sort_direction", "UP"),
        ("meetings", "start_time[gt]", "yesterday"),
        ("meetings", "start_time", "2026-01-01T00:00:00Z"),
        ("meetings", "ids[]", "abc"),
        ("meetings", "ids", "1"),
        ("meetings", "cadence_id[]", "1"),
        ("meetings", "person_id", "jane"),
        ("meetings", "show_deleted", "yes"),
        ("meetings", "per_page", "ten"),
        ("people", "email_addresses", "a@b.example"),
        ("people", "sort_by", "email"),
        ("users", "active", "1"),
        ("users", "guid", "one"),
        ("cadences", "archived", "maybe"),
        ("cadences", "group_ids", "[1"),
        ("tasks", "current_state[]", "lost"),
        ("tasks", "time_interval_filter", "someday"),
        ("steps", "cadence_id", "x"),
    ],
)
async def test_a_bad_value_or_form_is_422(hub: Client, path: str, name: str, value: str) -> None:
    reply = await hub.get(f"/v2/{path}", (name, value))
    assert reply.status == 422
    ((field, messages),) = reply.json["errors"].items()
    assert field == name.partition("[")[0]
    assert [type(message) for message in messages] == [str]


@pytest.mark.parametrize(
    ("page", "cost"),
    [(1, 1), (100, 1), (101, 3), (150, 3), (151, 8), (250, 8), (251, 10), (500, 10), (501, 30), (9999, 30)],
)
@pytest.mark.parametrize("name", ["meetings", "people"])
async def test_deep_pages_cost_more(salesloft: Client, name: str, page: int, cost: int) -> None:
    reply = await salesloft.get(f"/v2/{name}", ("page", page))
    assert reply.headers["x-ratelimit-endpoint-cost"] == str(cost)
    assert reply.headers["x-ratelimit-remaining-minute"] == str(600 - cost)
    assert salesloft.emulated.calls[-1].cost == cost


async def test_the_minute_is_the_clocks(salesloft: Client, clock: Clock) -> None:
    for _ in range(20):
        assert (await salesloft.get("/v2/meetings", ("page", 501))).status == 200
    refused = await salesloft.get("/v2/meetings")
    assert (refused.status, refused.json) == (429, {"error": "API rate limit exceeded"})
    assert refused.headers["x-ratelimit-remaining-minute"] == "0"
    assert "retry-after" not in refused.headers
    assert salesloft.emulated.calls[-1].cost == 0
    clock.forward(seconds=59.9)
    assert (await salesloft.get("/v2/meetings")).status == 429
    clock.forward(seconds=0.1)
    again = await salesloft.get("/v2/meetings")
    assert (again.status, again.headers["x-ratelimit-remaining-minute"]) == (200, "599")


async def test_a_call_dearer_than_what_is_left_is_refused_alone(salesloft: Client) -> None:
    for _ in range(19):
        await salesloft.get("/v2/meetings", ("page", 501))
    await salesloft.get("/v2/meetings")
    assert (await salesloft.get("/v2/meetings", ("page", 501))).status == 429
    assert (await salesloft.get("/v2/meetings")).headers["x-ratelimit-remaining-minute"] == "28"


async def test_date_is_the_clocks(salesloft: Client, clock: Clock) -> None:
    assert (await salesloft.get("/v2/me")).headers["date"] == "Wed, 18 Mar 2026 15:20:00 GMT"
    clock.forward(minutes=1)
    assert (await salesloft.get("/v2/me", token=None)).headers["date"] == "Wed, 18 Mar 2026 15:21:00 GMT"


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("meetings:read", "meetings"),
        ("people:read", "people"),
        ("team:read", "users"),
        ("cadences:read", "cadences"),
        ("cadences:read", "steps"),
        ("accounts:read", "accounts"),
        ("tasks:read", "tasks"),
    ],
)
async def test_a_missing_scope_is_403(
    small: World, clock: Clock, session: aiohttp.ClientSession, scope: str, path: str
) -> None:
    every = frozenset({"meetings:read", "people:read", "team:read", "cadences:read", "accounts:read", "tasks:read"})
    for scopes, status in ((every - {scope}, 403), (frozenset({scope}), 200)):
        async with Emulators.start(clock=clock, world=small, salesloft=SalesloftOptions(scopes=scopes)) as emulators:
            reply = await Client(session, emulators.salesloft).get(f"/v2/{path}")
            assert reply.status == status
            assert status == 200 or reply.json == {"error": "Forbidden"}


async def test_the_log_names_calls(salesloft: Client, small: World) -> None:
    person = next(iter(small.salesloft.people))
    for path in (f"people/{person}", "me", "team", "meetings/1", "meetings"):
        await salesloft.get(f"/v2/{path}", ("a", "b"), ("a", "c"))
    calls = salesloft.emulated.calls
    assert [call.endpoint for call in calls] == ["people/{id}", "me", "team", "meetings/{id}", "meetings"]
    assert [call.status for call in calls] == [200, 200, 200, 404, 200]
    assert calls[0].path == f"/v2/people/{person}"
    assert calls[0].params == [("a", "b"), ("a", "c")]
    assert calls[0].unknown_params == ("a", "a")


async def test_client_credentials_buy_two_hours(salesloft: Client, clock: Clock) -> None:
    form = {"grant_type": "client_credentials", "client_id": "emulated-client", "client_secret": "emulated-secret"}
    url = salesloft.emulated.url + "/oauth/token"
    async with salesloft.session.post(url, data=form) as response:
        body = await response.json()
    assert (body["token_type"], body["expires_in"], body["created_at"]) == ("bearer", 7200, int(NOW.timestamp()))
    assert "refresh_token" not in body
    assert (await salesloft.get("/v2/me", token=body["access_token"])).status == 200
    clock.forward(hours=2)
    assert (await salesloft.get("/v2/me", token=body["access_token"])).status == 401


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_the_token_endpoint_refuses(salesloft: Client, change: dict[str, str], status: int, error: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "emulated-client", "client_secret": "emulated-secret"}
    async with salesloft.session.post(salesloft.emulated.url + "/oauth/token", data=form | change) as response:
        assert response.status == status
        body = await response.json()
    assert body["error"] == error
    assert body["error_description"]
    assert (await salesloft.get("/oauth/token")).status == 405
