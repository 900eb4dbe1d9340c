"""How a query would run, without running it: its plan, the upstream calls expected, and what a limit has against it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from graphql import GraphQLError

from gateway.catalog.catalog import Catalog
from gateway.errors import GatewayError
from gateway.execution.explain import described
from gateway.graph.cost.estimate import Cost, Costs
from gateway.graph.engine import Audience, Engine
from gateway.graph.federation.subgraph import Subgraph
from gateway.runtime.upstreams import unconnected
from gateway.settings.clients import LIMITS, LimitSettings
from gateway.settings.federation import FEDERATION, options
from gateway.settings.settings import read_group
from gateway.settings.table import SettingsReader
from gateway.upstream.clock import SystemClock
from gateway.web.document_limits import guard, text_guard
from gateway.web.operation import chosen


def explain(args: argparse.Namespace) -> int:
    """Prints how a query would run under the limits that are set; 2 where it would not."""
    limits = read_group(LIMITS, os.environ)
    prefix = SettingsReader(os.environ).read(FEDERATION).prefix  # whatever may be wrong with the rest of the group
    try:
        print(explanation(read_query(args.query), read_variables(args.variables), args.operation, limits, prefix))
    except BadQuery as error:
        print(f"meeting-gateway: {error}", file=sys.stderr)
        return 2
    return 0


class BadQuery(Exception):
    """The query could not be run at all; the message says why, in one line."""


def read_query(given: str) -> str:
    """A query: the text itself, that of a file, or, for `-`, that of standard input.

    Raises:
        BadQuery: It cannot be read.
    """
    if "{" in given:
        return given
    try:
        return sys.stdin.read() if given == "-" else Path(given).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadQuery(f"{given[:60]!r} is neither a query nor a file that can be read: {reason}") from None


def read_variables(given: str) -> Mapping[str, Any]:
    """Variables, from JSON.

    Raises:
        BadQuery: They are not valid.
    """
    try:
        return msgspec.json.decode(given, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise BadQuery(f"--variables has to be a JSON object: {error}") from None


def explanation(
    query: str, variables: Mapping[str, Any], operation_name: str | None, limits: LimitSettings, prefix: str = ""
) -> str:
    """How a query would run.

    Args:
        query: The document.
        variables: As a client would send them.
        operation_name: Which operation, where there are several.
        limits: What a document may be.
        prefix: What a router's query has before names.

    Raises:
        BadQuery: It would not run.
    """
    clock = SystemClock()
    catalog = Catalog(unconnected(clock), clock)
    engine = Engine(
        catalog,
        max_tokens=limits.tokens,
        check_text=text_guard(limits.document),
        guard=guard(limits),
        federation=Subgraph(options=options(prefix=prefix)),
    )
    prepared = engine.prepare(query)
    if isinstance(prepared, list):
        raise _bad(prepared)
    try:
        chosen(prepared.document, operation_name)
    except GatewayError as error:
        raise BadQuery(error.message) from None
    operations = prepared.variant.operations
    checked = operations.check(prepared.document, variables=variables, operation_name=operation_name)
    if isinstance(checked, list):
        raise _bad(checked)
    how = described(operations.plans.selection(checked.operation, Audience()))
    cost = Costs(prepared.variant.schema, catalog.prices).expected(checked.operation, variables)
    return f"{how}\n\n{_told(cost, limits)}"


def _bad(errors: list[GraphQLError]) -> BadQuery:
    first = errors[0]
    places = [f" (line {place.line}, column {place.column})" for place in (first.locations or ())[:1]]
    more = [f", and {len(errors) - 1} more" for _ in errors[1:2]]
    return BadQuery("".join([" ".join(first.message.split()), *places, *more]))


def _told(cost: Cost, limits: LimitSettings) -> str:
    large = cost.fields > limits.fields
    refused = f"\nrefused: {cost.fields} fields; {limits.fields} are allowed (GATEWAY_MAX_FIELDS)" if large else ""
    if not cost.calls:
        return f"upstream: no calls{refused}"
    rows = [(f"  {each.source} {each.endpoint}", each.calls, each.units) for each in cost.calls]
    rows.append(("  together", sum(each.calls for each in cost.calls), cost.units))
    title = "upstream, at most, with an empty cache"
    width = max(len(title), *(len(name) for name, _, _ in rows))
    lines = [f"{name:{width}}  {calls:5}  {units:5}" for name, calls, units in rows]
    if cost.units > limits.cost:
        refused += f"\nrefused: {limits.cost} units are allowed (GATEWAY_MAX_COST)"
    return "\n".join([f"{title:{width}}  calls  units", *lines]) + refused
