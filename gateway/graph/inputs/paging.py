"""Relay's four arguments, as every connection takes them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry
from strawberry import Info, argument

from gateway.errors import BadUserInput
from gateway.graph.context import Context
from gateway.graph.inputs.values import given
from gateway.model.order import NameField, Order, OrderField, Position
from gateway.paging import cursor
from gateway.paging.window import BadWindow, Window, window

ContextInfo: TypeAlias = Info[Context, None]

First = Annotated[
    int | None,
    argument(
        description=(
            "Returns the first n rows, from 0 to 500. The default is 25 if neither `first` nor `last` is given."
        )
    ),
]
After = Annotated[str | None, argument(description="Returns the rows after this cursor.")]
Last = Annotated[
    int | None, argument(description="Returns the last n rows, from 0 to 500. Cannot be combined with `first`.")
]
Before = Annotated[str | None, argument(description="Returns the rows before this cursor.")]
UNSET: None = strawberry.UNSET


def window_of(order: Order, first: int | None, after: str | None, last: int | None, before: str | None) -> Window:
    """The walk and count that the arguments ask for.

    Raises:
        BadUserInput: A value is invalid.
    """
    try:
        return window(
            order,
            first=given(first),
            after=_position(after, "after", order.field),
            last=given(last),
            before=_position(before, "before", order.field),
        )
    except BadWindow as error:
        raise BadUserInput(f"{error.argument}: {error}.", argument=error.argument) from error


def _position(text: str | None, name: str, order_field: OrderField | NameField) -> Position | None:
    known = given(text)
    if not known:  # clients that have no cursor yet send an empty one
        return None
    try:
        return cursor.decode(known, order_field)
    except cursor.MalformedCursor as error:
        raise BadUserInput(f"{name}: {error}.", argument=name) from error
