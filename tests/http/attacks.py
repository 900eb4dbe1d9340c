"""What attackers and broken clients send, and what each has to get. Expectations come from docs/http.md."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

KEY = "a-production-key"
JSON = "application/json"
RESPONSE = "application/graphql-response+json"
INPUT, PARSE, VALID = "BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"
COSTLY, WHO, MAY = "OPERATION_TOO_COSTLY", "UNAUTHENTICATED", "FORBIDDEN"
OPERATION = {"query": "{ __typename }"}


class Attack(NamedTuple):
    """One request and what it gets.

    Attributes:
        name: What it tries.
        status: The HTTP status.
        code: The code of the answer's first error; empty where there is none.
        body: The body; JSON is made of anything but bytes.
        headers: Beside the credential and `Accept`; None takes one away.
    """

    name: str
    status: int
    code: str
    body: object = None
    headers: Mapping[str, str | None] = {}
    method: str = "POST"
    path: str = "/graphql"


def query(name: str, text: str, status: int, code: str, **variables: object) -> Attack:
    shown = f"{text[:60]} {len(text)} {str(variables)[:40] if variables else ''}"
    return Attack(f"{name}: {shown}", status, code, {"query": text, "variables": variables})


def bodies() -> Iterator[Attack]:
    """What is no request at all."""
    nonsense: dict[str, object] = {
        "empty": b"",
        "a number": b"5",
        "null": b"null",
        "text": b'"{ __typename }"',
        "true": b"true",
        "cut off": b'{"query": "{ __typ',
        "two values": b'{"query": "{ __typename }"}{}',
        "bad UTF-8": b'{"query": "\xff\xfe"}',
        "overlong UTF-8": b'{"query": "\xc0\xaf"}',
        "lone surrogate": b'{"query": "\\ud800"}',
        "UTF-16": json.dumps(OPERATION).encode("utf-16"),
        "a mark before it": b"\xef\xbb\xbf" + json.dumps(OPERATION).encode(),
        "20,000 brackets": b"[" * 20_000,
        "20,000 objects": b'{"query":' * 20_000,
        "deep variables": b'{"query":"{ __typename }","variables":{"a":' + b'{"a":' * 20_000,
        "NaN": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
        "infinite": b'{"query": "{ __typename }", "variables": {"a": 1e999}}',
        "single quotes": b"{'query': '{ __typename }'}",
        "a batch": b'[{"query": "{ __typename }"}]',
        "an empty batch": b"[]",
        "a batch of 1,000": b"[" + b",".join([b'{"query": "{ __typename }"}'] * 1000) + b"]",
        "form": b"query=%7B__typename%7D",
        "XML": b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    }
    for name, body in nonsense.items():
        yield Attack(f"body: {name}", 400, INPUT, body)
    wrong: dict[str, Any] = {
        "no query": {"variables": {}},
        "null query": {"query": None},
        "empty query": {"query": ""},
        "list query": {"query": ["{ __typename }"]},
        "object query": {"query": {"__typename": 1}},
        "list variables": {**OPERATION, "variables": [1]},
        "text variables": {**OPERATION, "variables": "{}"},
        "number operationName": {**OPERATION, "operationName": 1},
        "text extensions": {**OPERATION, "extensions": "x"},
        "list extensions": {**OPERATION, "extensions": []},
        "wrong persistedQuery": {**OPERATION, "extensions": {"persistedQuery": "x"}},
        "wrong hash": {**OPERATION, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
        "hash of another kind": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "../../etc/passwd"}}},
    }
    for name, value in wrong.items():
        yield Attack(f"body: {name}", 400, INPUT, value)
    unknown = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    yield Attack("body: unknown hash", 400, "PERSISTED_QUERY_NOT_FOUND", unknown)
    yield Attack("body: 1 MB and a little", 413, "", b" " * 1_000_001)
    yield Attack("body: 8 MB", 413, "", b"x" * 8_000_000)
    yield Attack("body: a comment of 900 KB", 400, COSTLY, {"query": f"{{ __typename }} # {'x' * 900_000}"})
    yield Attack("body: no such operation", 400, INPUT, {**OPERATION, "operationName": "X"})
    yield Attack("body: which operation", 400, INPUT, {"query": "query A { __typename } query B { __typename }"})


def headers() -> Iterator[Attack]:
    """Types and codings that are not supported."""
    for kind in (None, "", "text/plain", "application/graphql", "application/x-www-form-urlencoded", "text/xml", "*/*"):
        yield Attack(f"content type {kind}", 415, "", OPERATION, {"Content-Type": kind})
    for kind in ("multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/json, text/plain"):
        yield Attack(f"content type {kind}", 415, "", OPERATION, {"Content-Type": kind})
    for coding in ("deflate", "br", "zstd", "x-evil", "gzip, gzip", "gzip, identity"):
        yield Attack(f"content coding {coding}", 415, "", OPERATION, {"Content-Encoding": coding})
    packed = {"Content-Encoding": "gzip"}
    for name, body in {
        "none": json.dumps(OPERATION).encode(),
        "nothing": b"",
        "cut off": gzip.compress(json.dumps(OPERATION).encode())[:-9],
        "two": gzip.compress(json.dumps(OPERATION).encode()) * 2,
        "empty members": gzip.compress(b"") * 40_000,
        "packed twice": gzip.compress(gzip.compress(json.dumps(OPERATION).encode())),
        "a wrong sum": gzip.compress(json.dumps(OPERATION).encode())[:-8] + b"12345678",
    }.items():
        yield Attack(f"gzip: {name}", 400, INPUT, body, packed)
    yield Attack("gzip: 1 GB", 413, "", gzip.compress(b" " * 10_000_000) * 3, packed)
    yield Attack("gzip: 1 MB of white space", 413, "", gzip.compress(b" " * 999_000), packed)
    incompressible = gzip.compress(random.Random(7).randbytes(1_001_000), 0)
    yield Attack("gzip: 1 MB and a little", 413, "", incompressible, packed)
    yield Attack("gzip: a request", 200, "", gzip.compress(json.dumps(OPERATION).encode()), packed)
    for accept in ("multipart/mixed", "image/png", "application/json;q=0", "application/xml"):
        yield Attack(f"accept {accept}", 406, "", OPERATION, {"Accept": accept})
    for accept in ("text/html", "text/html,*/*;q=0.8"):
        status, code = (406, "") if accept == "text/html" else (200, "")
        yield Attack(f"accept {accept}", status, code, OPERATION, {"Accept": accept})
    yield Attack("a thousand ranges", 406, "", OPERATION, {"Accept": ",".join(["x/y"] * 1000)})
    yield Attack("weights of all kinds", 200, "", OPERATION, {"Accept": "*/*;q=1;q=-1;q=x, application/json;;;q=0.5"})
    yield Attack("another host", 200, "", OPERATION, {"Host": "evil.example"})
    yield Attack("forwarded", 200, "", OPERATION, {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"})
    yield Attack("a trace that is off", 200, "", OPERATION, {"X-Gateway-Trace": "1"})
    yield Attack("another method in a header", 200, "", OPERATION, {"X-HTTP-Method-Override": "DELETE"})
    yield Attack("a cookie", 200, "", OPERATION, {"Cookie": "a=b; " * 100})


def methods_and_paths() -> Iterator[Attack]:
    """Everything but POST /graphql."""
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "OPTIONS"):
        yield Attack(f"method {method}", 405, "", None, method=method)
    for path in (
        "/admin",
        "/graphiql",
        "/v2/meetings",
        "/.env",
        "/graphql/x",
        "/metrics/x",
        "/graphql%00",
    ):
        yield Attack(f"path {path}", 404, "", method="GET", path=path)
    yield Attack("path /%67raphql/", 400, INPUT, method="GET", path="/%67raphql/")  # the endpoint, without a query
    for path in ("/graphql/assets/../../settings.py", "/graphql/assets/..%2f..%2fsettings.py", "/etc/passwd"):
        yield Attack(f"path {path}", 404, "", method="GET", path=path)
    yield Attack("no explorer", 400, INPUT, None, {"Accept": "text/html,*/*;q=0.8"}, "GET")
    for name, text in {
        "nothing": "",
        "twice": "query={__typename}&query={__typename}",
        "bad UTF-8": "query=%ff",
        "variables": "query={__typename}&variables=[1]",
        "many": "&".join(f"a{n}=1" for n in range(500)),
    }.items():
        yield Attack(f"query string: {name}", 400, INPUT, method="GET", path=f"/graphql?{text}")
    mutation = urlencode({"query": "mutation { __typename }"})
    yield Attack("mutation by GET", 405, VALID, method="GET", path=f"/graphql?{mutation}")
    for site in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        bare = {**site, "Authorization": None}
        yield Attack(f"CSRF {site}", 403, MAY, None, bare, "GET", "/graphql?query={__typename}")
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    yield Attack("CORS preflight", 405, "", None, evil, "OPTIONS")


def tokens() -> Iterator[Attack]:
    """Invalid credentials; JWTs have a suite of their own (test_access.py)."""
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for name, value in {
        "none": None,
        "empty": "",
        "a scheme alone": "Bearer",
        "basic": "Basic YWRtaW46YWRtaW4=",
        "wrong key": "Bearer wrong",
        "nearly": "Bearer a-production-ke",
        "another case": "Bearer A-PRODUCTION-KEY",
        "two": "Bearer a-production-key, Bearer x",
        "alg none": f"Bearer {none}.e30.",
        "three dots": "Bearer ...",
        "10,000 dots": "Bearer " + "." * 8000,
        "SQL": "Bearer ' OR '1'='1",
    }.items():
        yield Attack(f"token: {name}", 401, WHO, OPERATION, {"Authorization": value})
    yield Attack("key: wrong", 401, WHO, OPERATION, {"Authorization": None, "X-API-Key": "wrong"})
    yield Attack("key: two credentials", 401, WHO, OPERATION, {"X-API-Key": "a-production-key"})
    yield Attack(
        "key: right, other header", 200, "", OPERATION, {"Authorization": None, "X-API-Key": "a-production-key"}
    )


def fan_out(levels: int, times: int, inner: str = "") -> str:
    spreads = [f"fragment f{n} on Query {{ {inner} {f'...f{n + 1} ' * times} }}" for n in range(levels)]
    return " ".join(["{ ...f0 }", *spreads, f"fragment f{levels} on Query {{ __typename }}"])


def documents() -> Iterator[Attack]:
    """Documents that are wrong, or ask for too much."""
    for text in (
        "{",
        "}",
        "query",
        "{ a(",
        "\x00",
        "{ __typename } }",
        "query { ...on }",
        '{ a(b: "\\ud800") }',
        "#",
        "fragment",
    ):
        yield query("syntax", text, 400, PARSE)
    yield query("nesting", "{ a" * 5000, 400, PARSE)
    yield query("nested lists", "{ meetings(first: " + "[" * 2000 + ") { nodes { id } } }", 400, PARSE)
    for text in (
        "{ nothing }",
        "{ meetings }",
        "{ __typename { x } }",
        "{ meetings(nothing: 1) { nodes { id } } }",
        "query($x: Nothing) { __typename }",
        "{ ...missing }",
        "{ __typename @nothing }",
        "{ node { id } }",
        "{ __schema { types { name } } }",
        '{ __type(name: "Meeting") { fields { name } } }',
        "mutation { __typename }",
        "subscription { __typename }",
        "{ ...a } fragment a on Query { ...a }",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
        "type Query { x: Int }",
        "{ meetings(orderBy: {field: NOTHING}) { nodes { id } } }",
        "{ meetings(filter: {nothing: 1}) { nodes { id } } }",
        '{ meetings(first: "1") { nodes { id } } }',
        '{ person(by: {id: "a", email: "b"}) { id } }',
        "{ person(by: {}) { id } }",
    ):
        yield query("validation", text, 400, VALID)
    deep = "name"
    for _ in range(5):
        deep = f"meetings {{ nodes {{ person {{ {deep} }} }} }}"
    for text in (
        "{ people(first: 500) { nodes { meetings(first: 500) { nodes { id } } } } }",
        "{ users { nodes { meetings(first: 100) { nodes { person { meetings { nodes { id } } } } } } } }",
        "{ " + " ".join(f"a{n}: meetings(first: 500) {{ nodes {{ person {{ id }} }} }}" for n in range(20)) + " }",
        f"{{ {deep} }}",
        *(fan_out(levels, times) for levels, times in ((60, 2), (20, 2), (100, 10), (8, 3))),
        fan_out(60, 2, "sources { source }"),
        "{ " + " ".join(f"a{n}: __typename" for n in range(101)) + " }",
        "{ " + " ".join(f"a{n}: sources {{ source }}" for n in range(30)) + " }",
        "{ " + "__typename " * 500 + "}",
        "{ sources { " + "source " * 400 + "} }",
        "{ __typename " + "@include(if: true) " * 10 + "}",
        "{ __typename " + "@aa" * 10 + " }",
        "{ meetings { nodes { " + " ".join(f"t{n}: title" for n in range(51)) + " } } }",
        " ".join(f"query Q{n} {{ __typename }}" for n in range(51)),
        "{ __typename " + "a " * 3000 + "}",
        "{ meetings(" + "first: 1 " * 31 + ") { nodes { id } } }",
    ):
        yield query("cost", text, 400, COSTLY)


def variables() -> Iterator[Attack]:
    """Values that a variable cannot have."""
    value: object
    first = "query($v: Int) { meetings(first: $v) { nodes { id } } }"
    for value in ("1", 1.5, True, [1], {"a": 1}, 2**31, -(2**31) - 1, 2**80, 1e308):
        yield query("Int", first, 400, VALID, v=value)
    since = "query($v: DateTimeRange) { meetings(first: 1, filter: {startTime: $v}) { nodes { id } } }"
    for value in ("x", {"nothing": 1}):
        yield query("range", since, 400, VALID, v=value)
    for value in ("yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "9" * 1000, 5, ["a"]):
        yield query("instant", since, 200, INPUT, v={"gte": value})
    for value in ("NOTHING", 1, ["BOOKED", "NOTHING"], {"a": 1}):
        text = "query($v: [MeetingStatus!]) { meetings(first: 1, filter: {status: $v}) { nodes { id } } }"
        yield query("enum", text, 400, VALID, v=value)
    required = "query($v: ID!) { node(id: $v) { id } }"
    yield query("missing", required, 400, VALID)
    yield query("null", required, 400, INPUT, v=None)
    for value in (1.5, True, ["x"], {"a": 1}):
        yield query("ID", required, 400, VALID, v=value)
    yield query("unknown variables are ignored", "{ __typename }", 200, "", __proto__={"x": 1}, constructor="x")


def arguments() -> Iterator[Attack]:
    """Arguments of the right type that cannot be meant: an error at the field, all else answered."""
    page = "{{ meetings({}) {{ nodes {{ id }} }} }}"
    for text in ("first: -1", "first: 501", "last: -1", "last: 501", "first: 1, last: 1", "first: 2147483647"):
        yield query("size", page.format(text), 200, INPUT)
    place = base64.urlsafe_b64encode
    for cursor in (
        *("x", "====", "YXJyYXljb25uZWN0aW9uOjU", "A" * 2000, "ü", "../../etc/passwd", "' OR 1=1 --", "%00"),
        *(
            place(json.dumps(value).encode()).decode()
            for value in ([1], [9, "s", 1, "DRIFT", "x"], [1, "s", 10**30, "DRIFT", "x"])
        ),
        *(
            place(json.dumps(value).encode()).decode()
            for value in ([1, "s", 1, "OTHER", "x"], [1, "c", 1, "DRIFT", "x"])
        ),
    ):
        for name in ("after", "before"):
            yield query("cursor", page.format(f"{name}: {json.dumps(cursor)}"), 200, INPUT)
    yield query("no cursor yet", page.format('first: 1, after: "", before: ""'), 200, "")
    for key in (
        *("", "x", "TWVldGluZw", "A" * 5000, "ü", "1", "null", "../1", "Meeting:SALESLOFT:1"),
        *(
            place(text.encode()).decode()
            for text in ("Nothing:SALESLOFT:1", "Meeting:OTHER:1", "Meeting:DRIFT:", "a:b:c:d")
        ),
    ):
        yield query("id", f"{{ node(id: {json.dumps(key)}) {{ id }} }}", 200, INPUT)
    person = place(b"Person:SALESLOFT:1").decode()
    yield query("id of another kind", f'{{ meeting(by: {{id: "{person}"}}) {{ id }} }}', 200, INPUT)
    yield query("101 ids", f"{{ nodes(ids: {json.dumps([person] * 101)}) {{ id }} }}", 200, INPUT)
    emails = json.dumps(["a@b.example"] * 101)
    many = "query($ids: [ID!]!) { " + " ".join(f"a{n}: nodes(ids: $ids) {{ id }}" for n in range(20)) + " }"
    yield query("30,000 ids", many, 400, INPUT, ids=[person] * 30_000)
    yield query("1,000 ids", many, 200, INPUT, ids=[person] * 1_000)
    yield query("101 values", page.format(f"filter: {{personEmails: {emails}}}"), 200, INPUT)
    yield query("no address", page.format('filter: {personEmails: ["x"]}'), 200, INPUT)
    yield query("no bound", page.format('filter: {attendeeEmails: ["a@b.example"]}'), 200, INPUT)
    bounds = 'filter: {startTime: {gte: "2027-01-01T00:00:00Z", lt: "2026-01-01T00:00:00Z"}}'
    yield query("turned bounds", page.format(bounds), 200, INPUT)
    quoted = urlencode({"query": page.format("first: -1")}, quote_via=quote)
    yield Attack("size by GET", 200, INPUT, method="GET", path=f"/graphql?{quoted}")


def bombs() -> Iterator[Attack]:
    """A lot of one thing, within the size of a body."""
    for name, (start, piece, end, status, code) in {
        "comments": ("{ __typename }", "#\n", "", 400, COSTLY),
        "white space": ("{ __typename }", " ", "", 200, ""),
        "escapes": ('{ node(id: "', "\\u0041", '") { id } }', 400, COSTLY),
        "line ends in a block string": ('{ node(id: """', "\n", '""") { id } }', 400, COSTLY),
        "quotes in a block string": ('{ node(id: """', '"" ', '""") { id } }', 200, INPUT),
        "a name": ("{ ", "a", " }", 400, VALID),
    }.items():
        many = (100_000 - len(start) - len(end)) // len(piece)
        yield query(f"bomb: 100,000 of {name}", f"{start}{piece * many}{end}", status, code)
        text = f"{start}{piece * (many * 4)}{end}"
        yield query(f"bomb: 400,000 of {name}", text, 400, COSTLY)
        named = {"query": text, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
        yield Attack(f"bomb: 400,000 of {name} with a hash", 400, COSTLY, named)
    near = " ".join(f"accountUpdatedCreate{n}" for n in range(190))
    yield query("bomb: near misses", f"{{ meetings {{ nodes {{ salesloft {{ {near} }} }} }} }}", 400, VALID)
    near = " ".join(f"personEmail{n}: 1" for n in range(300))
    yield query("bomb: near misses of a filter", f"{{ meetings(filter: {{{near}}}) {{ nodes {{ id }} }} }}", 400, VALID)
    filtered = "query($f: MeetingFilter) { meetings(filter: $f) { nodes { id } } }"
    yield query("bomb: 15,000 near misses in variables", filtered, 400, INPUT, f={f"ids{n}": 1 for n in range(15_000)})
    yield query("bomb: near misses in variables", filtered, 400, VALID, f={f"personEmail{n}": 1 for n in range(100)})
    words = "query($s: [MeetingStatus!]) { meetings(filter: {status: $s}) { nodes { id } } }"
    yield query("bomb: enum words", words, 400, INPUT, s=["BOOKED"] * 90_000)
    yield query("bomb: wrong enum words", words, 400, VALID, s=[f"BOOKE{n}" for n in range(1_000)])
    ids = "query($i: [ID!]!) { nodes(ids: $i) { id } }"
    yield query("bomb: ids", ids, 400, INPUT, i=["x"] * 190_000)
    yield query("bomb: lists in lists", ids, 400, INPUT, i=[[["x"] * 1_001]])
    for name, text in {"integer": "1" * 4_301, "negative": "-" + "9" * 4_301, "float": "1." + "1" * 4_301}.items():
        for place in ("meetings(first: %s) { nodes { id } }", "node(id: %s) { id }", "nodes(ids: [%s]) { id }"):
            yield query(f"bomb: {name} literal", f"{{ {place % text} }}", 400, PARSE)
    first = "query($v: Int) { meetings(first: $v) { nodes { id } } }"
    for digits in (400, 4_301, 100_000):
        number = b'{"query": "%s", "variables": {"v": %s}}' % (first.encode(), b"1" * digits)
        yield Attack(f"bomb: a variable of {digits} digits", 400, VALID if digits == 400 else INPUT, number)
    yield query("bomb: 1,000 digits", "{ meetings(first: " + "1" * 1_000 + ") { nodes { id } } }", 400, VALID)


ATTACKS = [
    *bodies(),
    *headers(),
    *methods_and_paths(),
    *tokens(),
    *documents(),
    *variables(),
    *arguments(),
    *bombs(),
]
