from __future__ import annotations

import pytest

from gateway.web.negotiation import MediaType, answer_type, prefers_html, takes_encoding

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)
JSON, RESPONSE = MediaType.JSON, MediaType.RESPONSE


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", RESPONSE),
        ("Application/GraphQL-Response+JSON; charset=utf-8", RESPONSE),
        (URQL, RESPONSE),
        ("application/json, application/graphql-response+json", JSON),
        ("application/json;q=0.5, application/graphql-response+json", RESPONSE),
        ("application/graphql-response+json;q=0.1, */*;q=0.9", JSON),
        ("application/json;q=0, */*", RESPONSE),
        ("application/json;q=2", None),
        ("application/json;q=x", None),
        ("text/event-stream", None),
        ("text/html", None),
        (BROWSER, JSON),
        ("application/json;q=0", None),
    ],
)
def test_what_an_answer_is_written_in(accept: str | None, answer: MediaType | None) -> None:
    assert answer_type(accept) is answer


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("text/*", False),
        ("*/*", False),
        (None, False),
    ],
)
def test_a_page_only_for_those_who_ask_for_one_by_name(accept: str | None, html: bool) -> None:
    assert prefers_html(accept) is html


@pytest.mark.parametrize(
    ("accept", "taken"), [("gzip, br", True), ("*", True), ("gzip;q=0, *", False), ("br", False), (None, False)]
)
def test_whether_gzip_may_be_sent(accept: str | None, taken: bool) -> None:
    assert takes_encoding(accept, "gzip") is taken


def test_a_long_header_is_read_only_so_far() -> None:
    assert answer_type(", ".join(["text/plain"] * 64 + ["application/json"])) is None
