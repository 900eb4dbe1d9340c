"""The two fields by which a router knows the graph, `_service` and `_entities`, and who is answered by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NewType, TypeAlias

import msgspec
import strawberry
from graphql import GraphQLSchema
from strawberry import argument

from gateway.errors import Forbidden
from gateway.graph.access import protect
from gateway.graph.context import Context
from gateway.graph.cost import prices
from gateway.graph.cost import records as record_prices
from gateway.graph.cost.prices import PRICE
from gateway.graph.federation.entities import MAX_REPRESENTATIONS, entities
from gateway.graph.federation.names import Prefixed
from gateway.graph.federation.sdl import subgraph_sdl
from gateway.graph.fields import face_of, field
from gateway.graph.ids import KINDS
from gateway.graph.inputs.paging import ContextInfo
from gateway.graph.lookahead import LookAhead
from gateway.graph.query import Query
from gateway.graph.schema import build, core
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence, Step
from gateway.graph.types.conversation import Conversation
from gateway.graph.types.meeting import Meeting
from gateway.graph.types.person import Person
from gateway.graph.types.task import Task
from gateway.graph.types.user import User
from gateway.model.records import Kind
from gateway.settings.federation import Options

AnyScalar = NewType("AnyScalar", object)
"""A representation: `__typename` and the fields of a key."""

Entity: TypeAlias = Annotated[
    Meeting | Person | User | Cadence | Step | Account | Task | Conversation,
    strawberry.union("_Entity", description="A record that other subgraphs may point at."),
]


class Subgraph(msgspec.Struct, frozen=True, kw_only=True):
    """The graph as a subgraph.

    Attributes:
        options: How its text is written.
        routers_only: Whether only a router is answered, which proves to be one.
        introspection: Whether clients that are not routers may ask for the text.
    """

    options: Options = Options()
    routers_only: bool = False
    introspection: bool = True

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of records, by the names that their types are shown by."""
        return {f"{self.options.prefix}{name}": kind for name, kind in KINDS.items()}

    def check_entities(self, context: Context) -> None:
        """Makes sure that the client may point at records.

        Raises:
            Forbidden: The client is not a router.
        """
        if self.routers_only and not context.router:
            raise Forbidden("Only routers may ask for this: the header Router-Authorization is missing.")

    def check_service(self, context: Context) -> None:
        """Makes sure that the client may have the text.

        Raises:
            Forbidden: It may not.
        """
        self.check_entities(context)
        if not self.introspection and not context.router:
            raise Forbidden(
                "The schema is not available: introspection is off, and the request does not come from a router."
            )


class ServiceText(msgspec.Struct, frozen=True):
    """The type of `_service`."""

    sdl: str


@strawberry.type(name="_Service", description="What a router composes this subgraph from.")
@face_of(ServiceText)
class Service:
    sdl: str = field("The subgraph's schema.")


Representations = Annotated[
    list[AnyScalar],
    argument(description=f"What is asked for: `__typename` and a key each, at most {MAX_REPRESENTATIONS:,}."),
]


def schemas(subgraph: Subgraph | None) -> list[GraphQLSchema]:
    """The schemas that operations may be written for, every field in them guarded.

    Args:
        subgraph: How routers are answered; None where they are not.

    Returns:
        The graph's own, with what a router asks for; where the subgraph's names bear a prefix, the graph's own without,
        and then the subgraph's.
    """
    if subgraph is None:
        return [_guarded(build())]
    with_entities = _guarded(build(_query(subgraph), SCALARS))
    if not subgraph.options.prefix:
        return [with_entities]
    return [_guarded(build()), Prefixed(with_entities, subgraph.options.prefix).rename()]


def _guarded(schema: strawberry.Schema) -> GraphQLSchema:
    made = core(schema)
    protect(made)
    return made


def _query(subgraph: Subgraph) -> type[Any]:
    text = ServiceText(subgraph_sdl(subgraph.options))  # a tenth of a second, better spent at the start
    kinds = subgraph.kinds

    def service(info: ContextInfo) -> Any:
        subgraph.check_service(info.context)
        return text

    async def of_representations(info: ContextInfo, representations: Representations) -> list[Any]:
        subgraph.check_entities(info.context)
        return await entities(info.context, representations, LookAhead.of(info).attributes(), kinds)

    @strawberry.type(name="Query", description=Query.__strawberry_definition__.description)  # type: ignore[attr-defined]  # put there by Strawberry
    class SubgraphQuery(Query):
        _service: Service = strawberry.field(
            resolver=service, name="_service", metadata={PRICE: prices.free}, description="This subgraph's schema."
        )
        _entities: list[Entity | None] = strawberry.field(
            resolver=of_representations,
            name="_entities",
            metadata={PRICE: record_prices.representations(kinds)},
            description="The records that representations name, each in its place; null where there is none.",
        )

    return SubgraphQuery


SCALARS = {
    AnyScalar: strawberry.scalar(
        name="_Any",
        description="A representation of a record: an object with `__typename` and the fields of one of its keys.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    )
}
"""What the schema needs to know of the scalar."""
