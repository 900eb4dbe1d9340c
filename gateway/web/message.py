"""A GraphQL request as it arrives: a JSON body or a query string, turned into one typed message."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers

from gateway.web.problem import HTTPProblem

MOST_PARAMETERS = 32
"""Parameters of a query string that are looked at; GraphQL knows four."""


class RequestHeaders(Headers):
    """A request's headers, of which several lines of one name count as one (RFC 9110, 5.3)."""

    def __getitem__(self, key: str) -> str:
        values = self.getlist(key)
        if not values:
            raise KeyError(key)
        return ", ".join(values)


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """What the GraphQL-over-HTTP specification names, and the names that clients give a trusted document's id.

    Anything else beside them is ignored.
    """

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, object] | None = None
    extensions: dict[str, object] | None = None
    document_id: str | None = None
    doc_id: str | None = msgspec.field(default=None, name="doc_id")
    id: str | None = None


class Body(msgspec.Struct, frozen=True, rename="camel"):
    """A message as a body has it, where clients also send an empty text for what is not there."""

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, object] | Literal[""] | None = None
    extensions: dict[str, object] | Literal[""] | None = None
    document_id: str | None = None
    doc_id: str | None = msgspec.field(default=None, name="doc_id")
    id: str | None = None


DECODER = msgspec.json.Decoder(Body)
PARAMETERS = frozenset(field.encode_name for field in msgspec.structs.fields(Message))
"""The parameters that mean something here; any other is ignored, however often it comes."""

OBJECT: msgspec.json.Decoder[dict[str, object] | None] = msgspec.json.Decoder(dict[str, object] | None)


def from_body(body: bytes) -> Message:
    """The message of a POST.

    Raises:
        HTTPProblem: 400, saying what is wrong with it.
    """
    if body.lstrip()[:1] == b"[":
        raise HTTPProblem(400, "Batches are not supported: send one operation a request.")
    try:
        sent = DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise HTTPProblem(400, f"The request is not as GraphQL over HTTP has it: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise HTTPProblem(400, "The body is not JSON in UTF-8.") from None
    except RecursionError:
        raise HTTPProblem(400, "The body is nested too deeply.") from None
    return Message(
        query=sent.query,
        operation_name=sent.operation_name or None,
        variables=sent.variables or None,
        extensions=sent.extensions or None,
        document_id=sent.document_id,
        doc_id=sent.doc_id,
        id=sent.id,
    )


def from_query_string(query_string: bytes) -> Message:
    """The message of a GET.

    Raises:
        HTTPProblem: 400, saying what is wrong with it.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except (UnicodeDecodeError, ValueError):
        raise HTTPProblem(400, "The query string cannot be read.") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in PARAMETERS:
            continue
        if name in given:
            raise HTTPProblem(400, f"The parameter {name} is given twice.")
        given[name] = value
    return Message(
        query=given.get("query"),
        operation_name=given.get("operationName") or None,
        variables=_object("variables", given.get("variables")),
        extensions=_object("extensions", given.get("extensions")),
        document_id=given.get("documentId"),
        doc_id=given.get("doc_id"),
        id=given.get("id"),
    )


def _object(name: str, text: str | None) -> dict[str, object] | None:
    if not text:
        return None
    try:
        return OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise HTTPProblem(400, f"The parameter {name} is not a JSON object.") from None
