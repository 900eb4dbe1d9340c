"""graphql-core's executor, as it runs what no plan covers: bounded, fair to others, and with errors in our form."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphql import (
    Executor,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
)
from graphql.execution.collect_fields import FieldDetails, FieldDetailsList, GroupedFieldSet
from graphql.pyutils import Path, gather_with_cancel
from graphql.pyutils.awaitable_or_value import AwaitableOrValue

from gateway.execution.inputs import InvalidInput, argument_values
from gateway.execution.size import AnswerTooLarge, FieldCount

TURN = 100
"""Entries of a list that are completed before others get their turn. Loads of one list have to come within eight turns
to leave together (`loaders.MAX_TURNS`), and the longest page has 500 rows."""


class Interpreter(Executor[Any]):
    """graphql-core's executor of one request.

    Attributes:
        size: Counts what the answer comes to.
        refusal: Why a field of a type is refused to this client, None where it is not.
    """

    size: FieldCount = FieldCount(None)
    refusal: Callable[[GraphQLObjectType, str, GraphQLField], Exception | None]

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Executes the fields of an object, unless they are one too many.

        Raises:
            AnswerTooLarge: They are.
        """
        self.size.add(len(grouped_field_set))
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def handle_field_error(
        self, raw_error: Exception, return_type: GraphQLOutputType, field_details_list: FieldDetailsList, path: Path
    ) -> None:
        """Handles the error of a field, which may be that its arguments were refused.

        Raises:
            AnswerTooLarge: That is no field's error: it ends the whole.
        """
        if isinstance(raw_error, AnswerTooLarge):
            raise raw_error
        if isinstance(raw_error, GraphQLError) and raw_error.path is None and path.typename is not None:
            raw_error = self._refused(path.typename, field_details_list[0]) or raw_error
        super().handle_field_error(raw_error, return_type, field_details_list, path)

    def complete_iterable_value(  # noqa: PLR0917 - graphql-core's own
        self,
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Iterable[Any],
        position_context: Any,
    ) -> AwaitableOrValue[list[Any]]:
        """Completes a list; a long one in turns with others."""
        if not isinstance(items, list | tuple) or len(items) <= TURN:
            return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)
        place_of = item_type, field_details_list, info

        def complete(item: Any, at: Path, completed: list[Any]) -> bool:
            """Adds what an entry is completed to; whether that has to be awaited."""
            if self.is_awaitable(item):
                completed.append(self.complete_awaitable_list_item_value(item, *place_of, at, position_context))
                return True
            return self.complete_list_item_value(item, completed, *place_of, at, position_context)

        return self._in_turns(items, path, complete)

    async def _in_turns(
        self, items: Sequence[Any], path: Path, complete: Callable[[Any, Path, list[Any]], bool]
    ) -> list[Any]:
        """What graphql-core does with a list, with a pause after so many entries."""
        completed: list[Any] = []
        waiting: list[int] = []
        try:
            for place, item in enumerate(items):
                if place and place % TURN == 0:
                    await asyncio.sleep(0)
                if complete(item, path.add_key(place, None), completed):
                    waiting.append(place)
        except BaseException:
            self.settle_in_background([completed[place] for place in waiting])
            raise
        settled = await gather_with_cancel(*(completed[place] for place in waiting))
        for place, value in zip(waiting, settled, strict=True):
            completed[place] = value
        return completed

    def _refused(self, parent: str, details: FieldDetails) -> Exception | None:
        """Why a field was refused before it was resolved: to this client at all, or for its arguments."""
        kind, name = self.schema.type_map[parent], details.node.name.value
        if not isinstance(kind, GraphQLObjectType) or (definition := self.schema.get_field(kind, name)) is None:
            return None
        refusal = self.refusal(kind, name, definition)
        if refusal is not None:
            return refusal
        try:
            argument_values(self, definition, details)
        except InvalidInput as refused:
            return refused
        return None
