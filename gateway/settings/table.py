"""The table of settings: a struct is a group, an annotated field is a row.

A row's name, bounds and description stand in a `msgspec.Meta` (`title`, `ge`, `le`, `description`), its type and
default in the field. Reading, messages, `--help` and docs/settings.md derive from that.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from gateway.settings.environment import FILE, BadSetting, Environment, content
from gateway.settings.kinds import SWITCH, TEXT, InvalidValue, Unset, ValueKind, choice, quoted, seconds, whole


class SettingsGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The values of settings that belong together; a subclass's annotated fields are rows of the table."""

    def check(self) -> Iterator[BadSetting]:
        """What is wrong with settings that are valid each by itself."""
        yield from ()

    def review(self) -> Iterator[str]:
        """Sentences about what is valid and could be better."""
        yield from ()


G = TypeVar("G", bound=SettingsGroup)
G_co = TypeVar("G_co", bound=SettingsGroup, covariant=True)


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One row.

    Attributes:
        field: The attribute of the group.
        name: The variable.
        description: What it is for.
        kind: What it may be.
        default: Its value where it is not set.
        unset: The same, where a value is not all there is to say.
    """

    field: str
    name: str
    description: str
    kind: ValueKind
    default: Any
    unset: Unset | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that it can be set by."""
        return (self.name, f"{self.name}{FILE}") if self.kind.secret else (self.name,)

    @property
    def shown_default(self) -> str:
        """Its default as it would be written, or in words; empty where there is none."""
        if self.unset is not None:
            return self.unset.shown
        return "" if self.default is None or self.default == "" else self.kind.show(self.default)


class SettingsTable(Generic[G_co]):
    """A group's rows.

    Args:
        title: Heading of its section in the documentation.
        about: What else there is to say of them all, in Markdown.
        example: Lines of a dotenv file.
        group: Makes the values.
        prefix: What every name begins with.
        fixed: Values of fields that cannot be set.
        defaults: Defaults that are others than the group's, by field.
        words: What stands for `{word}` in descriptions.
    """

    def __init__(
        self,
        title: str,
        group: type[G_co],
        *,
        about: str = "",
        example: str,
        prefix: str = "",
        fixed: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        words: Mapping[str, str] | None = None,
    ) -> None:
        self.title = title
        self.about = about
        self.example = example
        self.group = group
        self.prefix = prefix
        self.fixed = fixed or {}
        self.rows = tuple(_rows(group, prefix, defaults or {}, words or {}))


class SettingsReader:
    """Reads groups of settings; goes on after a fault, so that all of them can be reported at once.

    Args:
        variables: The environment.

    Attributes:
        faults: What was wrong so far.
        warnings: Sentences about what could be better.
        from_files: Paths of the files that secrets were read from, by setting.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.environment = Environment(variables)
        self.faults: list[BadSetting] = list(self.environment.faults)
        self.warnings: list[str] = []
        self.from_files: dict[str, str] = {}

    def read(self, table: SettingsTable[G]) -> G:
        """A group's values; a setting that is not valid has its default."""
        before = len(self.faults)
        values = {row.field: self._value(row) for row in table.rows}
        group = table.group(**table.fixed, **values)
        if len(self.faults) == before:
            self.faults += group.check()
            self.warnings += group.review()
        return group

    @property
    def faulty(self) -> frozenset[str]:
        """The settings that were not valid."""
        return frozenset(fault.name for fault in self.faults)

    def _value(self, row: Setting) -> Any:
        try:
            text = self._text(row)
            if text:
                return self._valid(row, text)
        except BadSetting as fault:
            self.faults.append(fault)
        derive = None if row.unset is None else row.unset.value
        return row.default if derive is None else derive(self.environment.text)

    def _valid(self, row: Setting, text: str) -> Any:
        try:
            value = row.kind.read(text)
        except InvalidValue as error:
            what = "It" if row.kind.secret else quoted(text)
            raise BadSetting(row.name, str(error) or f"{what} is not {row.kind.expected}") from None
        if row.kind.review is not None:
            self.warnings += row.kind.review(row.name, text, row.name in self.from_files)
        return value

    def _text(self, row: Setting) -> str:
        value = self.environment.text(row.name)
        if not row.kind.secret:
            return value
        name = f"{row.name}{FILE}"
        path = self.environment.text(name)
        if not path:
            return value
        if value:
            raise BadSetting(row.name, f"{name} is set too; keep one of them")
        text = content(name, path).strip()
        if not text:
            raise BadSetting(name, f"{path} is empty; it should hold the secret")
        self.from_files[row.name] = path
        return text


def _rows(
    group: type[SettingsGroup], prefix: str, defaults: Mapping[str, Any], words: Mapping[str, str]
) -> Iterator[Setting]:
    hints = get_type_hints(group, include_extras=True)
    for field in msgspec.structs.fields(group):
        hint = hints[field.name]
        extras: Sequence[object] = getattr(hint, "__metadata__", ())
        meta = next((extra for extra in extras if isinstance(extra, msgspec.Meta)), None)
        if meta is None:  # a field of the group that is not a setting
            continue
        yield Setting(
            field=field.name,
            name=f"{prefix}{meta.title}",
            description=(meta.description or "").format_map(words) if words else (meta.description or ""),
            kind=next((extra for extra in extras if isinstance(extra, ValueKind)), None) or _kind(hint, meta),
            default=defaults.get(field.name, field.default),
            unset=next((extra for extra in extras if isinstance(extra, Unset)), None),
        )


def _kind(hint: Any, meta: msgspec.Meta) -> ValueKind:
    """The kind that goes with a type, where no other is given."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in {Union, types.UnionType}:
        hint = next(part for part in get_args(hint) if part is not types.NoneType)
    if get_origin(hint) is Literal:
        return choice({word: word for word in get_args(hint)})
    if hint is bool:
        return SWITCH
    if hint is int:
        return whole(meta.ge, meta.le)
    return seconds(meta.ge, meta.le) if hint is float else TEXT
