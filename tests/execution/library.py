"""A little schema of another world, without Strawberry and without anything of the gateway: books on shelves."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from graphql import GraphQLField, GraphQLLeafType, GraphQLObjectType, GraphQLSchema, build_schema, parse, validate

from gateway.execution.executor import Operations, Outcome
from gateway.execution.plans import CompileTime, Plans
from gateway.execution.resolvers import Attribute, Batch, Called, Computed, Face, Memo, Resolver

NOTHING = CompileTime(lambda: 0.0, share=0.0, burst=0.0)
"""No time to compile anything: graphql-core runs it all."""

SDL = """
directive @loud on FIELD
interface Thing { id: ID! }
enum Genre { NOVEL ESSAY }
input Size { w: Int! = 1 }
input By @oneOf { word: String size: Size all: [Size!] }
type Author implements Thing { id: ID! name: String! books: [Book!] rival: Author! mood: Genre }
type Page { number: Int! words: [String!] author: Author }
type Book implements Thing {
  id: ID! title: String pages: [Page!]! author: Author editor: Author! readers: [Author!] price: Float copies: Int
  genre: Genre code: String! shout(times: Int = 1, word: String): String where: String
  loud(times: [Int!]!, by: By! = {word: "w"}, genre: Genre! = NOVEL): String
}
type Shelf { books: [Book] best: [Book!] first: Book! grid: [[Book]] }
type Query {
  shelf: Shelf books(first: Int): [Book!]! book(id: ID!): Book thing(id: ID!): Thing things: [Thing]
  now: String later: String never: String stray: String many: [Book] stream: [Book] missing: Shelf!
}
"""


@dataclasses.dataclass(frozen=True)
class Author:
    id: str
    name: Any
    rival_id: str | None = None
    mood: Any = None


@dataclasses.dataclass(frozen=True)
class Page:
    number: Any
    words: Any = ()
    author_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Book:
    id: Any
    title: Any = None
    pages: Any = ()
    author_id: str | None = None
    editor_id: str | None = None
    reader_ids: Any = None
    price: Any = None
    copies: Any = None
    genre: Any = None
    code: Any = "c"


@dataclasses.dataclass(frozen=True)
class Shelf:
    books: Any = ()
    best: Any = ()
    first: Any = None
    grid: Any = None


class Loader:
    """Loads authors, and remembers by which keys it was asked; a key is asked for once."""

    def __init__(self, found: Mapping[str, Any], gate: asyncio.Event | None = None) -> None:
        self._found = found
        self._gate = gate
        self._known: dict[str, Any] = {}
        self.calls: list[list[str]] = []

    def load_level(self, keys: Sequence[str]) -> asyncio.Future[list[Any]]:
        return asyncio.ensure_future(self._load(keys, dict.fromkeys(keys)))

    async def _load(self, keys: Sequence[str], distinct: Mapping[str, None]) -> list[Any]:
        await asyncio.sleep(0)
        wanted = [key for key in distinct if key not in self._known]
        if wanted:
            self.calls.append(wanted)
            if self._gate is not None:
                await self._gate.wait()
            self._known.update({key: self._found.get(key) for key in wanted})
        return [self._known[key] for key in keys]


@dataclasses.dataclass
class Context:
    """What resolvers are given.

    Attributes:
        shelf: What the doors lead to.
        authors: Loads them.
        calls: The resolvers that were called.
    """

    shelf: Shelf = dataclasses.field(default_factory=Shelf)
    authors: Loader = dataclasses.field(default_factory=lambda: Loader({}))
    audience: str = "all"
    gate: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    calls: list[str] = dataclasses.field(default_factory=list)


def batch(key: Callable[[Any], Any], *, many: bool = False) -> Batch:
    return Batch("authors", lambda context: context.authors, key, many=many)


RESOLVED_BY: dict[str, Resolver] = {
    "Book.author": batch(lambda book: book.author_id),
    "Book.editor": batch(lambda book: book.editor_id),
    "Book.readers": batch(lambda book: book.reader_ids, many=True),
    "Page.author": batch(lambda page: page.author_id),
    "Author.rival": batch(lambda author: author.rival_id),
    "Book.code": Computed(lambda book: f"{book.code}!"),
    "Book.shout": Called(),
    "Book.loud": Called(),
    "Book.where": Called(),
    "Author.books": Called(),
}
FACES = {"Author": Author, "Book": Book, "Page": Page, "Shelf": Shelf}


class Declarations:
    """What the compiler knows about it."""

    def resolver(self, parent: GraphQLObjectType, name: str, field: GraphQLField) -> Resolver:
        if parent.name == "Query":
            return Called()
        return RESOLVED_BY.get(f"{parent.name}.{name}") or Attribute(name, getattr)

    def face(self, kind: GraphQLObjectType) -> Face | None:
        return Face(FACES[kind.name]) if kind.name in FACES else None

    def memo(self, scalar: GraphQLLeafType) -> Memo | None:
        return None

    def audience(self, context: Context) -> Hashable:
        return context.audience

    def refusal(self, context: Context, parent: GraphQLObjectType, name: str, field: GraphQLField) -> Exception | None:
        hidden = context.audience == "children" and f"{parent.name}.{name}" in {"Book.price", "Book.author"}
        return PermissionError("not for you") if hidden else None


async def load(info: Any, key: str | None) -> Any:
    """What an ordinary resolver does with a loader."""
    if key is None:
        return None
    (outcome,) = await info.context.authors.load_level([key])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def load_many(info: Any, keys: Sequence[str] | None) -> Any:
    if keys is None:
        return None
    outcomes = await info.context.authors.load_level(keys)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return [outcome for outcome in outcomes if outcome is not None]


def called(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def run(source: Any, info: Any, **arguments: Any) -> Any:
        info.context.calls.append(info.field_name)
        return resolve(source, info, **arguments)

    return run


async def _later(_: Any, info: Any) -> str:
    await info.context.gate.wait()
    return "later"


async def _stray(_: Any, info: Any) -> str:
    raise asyncio.CancelledError


async def _stream(_: Any, info: Any) -> Any:
    async def books() -> Any:
        for book in info.context.shelf.books:
            yield book

    return books()


RESOLVERS: dict[str, Callable[..., Any]] = {
    "Query.shelf": called(lambda _, info: info.context.shelf),
    "Query.missing": lambda _, info: None,
    "Query.books": called(lambda _, info, first=None: info.context.shelf.books[:first]),
    "Query.book": lambda _, info, id: next((b for b in info.context.shelf.books if b.id == id), None),  # noqa: A006
    "Query.thing": lambda _, info, id: next((b for b in info.context.shelf.books if b.id == id), None),  # noqa: A006
    "Query.things": lambda _, info: info.context.shelf.books,
    "Query.now": lambda *_: "now",
    "Query.later": _later,
    "Query.never": _later,
    "Query.stray": _stray,
    "Query.many": lambda _, info: iter(info.context.shelf.books),
    "Query.stream": _stream,
    "Book.author": lambda book, info: load(info, book.author_id),
    "Book.editor": lambda book, info: load(info, book.editor_id),
    "Book.readers": lambda book, info: load_many(info, book.reader_ids),
    "Page.author": lambda page, info: load(info, page.author_id),
    "Author.rival": lambda author, info: load(info, author.rival_id),
    "Author.books": lambda author, info: [b for b in info.context.shelf.books if b.author_id == author.id],
    "Book.code": lambda book, info: f"{book.code}!",
    "Book.shout": lambda book, info, times=1, word=None: (word or book.title).upper() * times,
    "Book.loud": lambda book, info, **arguments: f"{book.title} {sorted(arguments)}",
    "Book.where": lambda book, info: "/".join(map(str, info.path.as_list())),
}


def schema() -> GraphQLSchema:
    """The schema, with its resolvers."""
    made = build_schema(SDL)
    for kind in made.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                field.resolve = RESOLVERS.get(f"{kind.name}.{name}")
            record = FACES.get(kind.name)
            kind.is_type_of = None if record is None else lambda value, _info, record=record: isinstance(value, record)
    return made


class Library:
    """The executor over it.

    Args:
        compiles: Whether operations are compiled, or all of them run by graphql-core.
        timer: What compiling is timed by; unless given, no time passes.
        max_fields: Fields that an answer may have.
    """

    def __init__(
        self,
        *,
        compiles: bool = True,
        timer: Callable[[], float] = lambda: 0.0,
        max_fields: int | None = None,
        **bounds: Any,
    ) -> None:
        self.schema = schema()
        self.surprises: list[Exception] = []
        bounds.setdefault("allowance", CompileTime(lambda: 0.0) if compiles else NOTHING)
        self.plans = Plans(Declarations(), timer, **bounds)
        self.operations = Operations(
            self.schema,
            Declarations(),
            max_fields=max_fields,
            plans=self.plans,
            on_surprise=self.surprises.append,
        )

    async def ask(self, query: str, context: Context | None = None, **variables: Any) -> Outcome:
        """Runs a document of one operation."""
        document = parse(query)
        assert validate(self.schema, document) == []
        return await self.operations.execute(document, context=context or Context(), variables=variables)
