"""Loads what the rows of a page need while the page is still waiting for something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from gateway.graph.context import Context
from gateway.model.records import Kind, Meeting, Ref
from gateway.model.scopes import KIND_SCOPES

LOADERS = {
    Kind.USER: "user_by_ref",
    Kind.CADENCE: "cadence_by_ref",
    Kind.STEP: "step_by_ref",
    Kind.ACCOUNT: "account_by_ref",
    Kind.TASK: "task_by_ref",
    Kind.CONVERSATION: "conversation_by_ref",
}
"""What loads the records that a meeting refers to, but for people."""

PERSON = "person"
PERSON_OF_ATTENDEES = "attendees.person"


class ReadAhead(NamedTuple):
    """See `catalog.search.ReadAhead`.

    Attributes:
        context: The request's.
        fields: Names of the fields that are selected on the rows; after a dot, of those below them.
    """

    context: Context
    fields: Collection[str]

    def candidates(self, rows: Sequence[Meeting]) -> None:
        """Loads the people of rows that may prove to be duplicates: the record of each, which is a call wasted then."""
        if PERSON in self.fields and self._may_see(Kind.PERSON):
            self._records_of_people(row.person for row in rows if row.person is not None)

    def rows(self, rows: Sequence[Meeting]) -> None:
        """Loads what rows refer to that are going to be shown: in the batches in which it would be loaded later."""
        needed: dict[Kind, list[Ref]] = {}
        for name in self.fields:
            for row in rows:
                if isinstance(ref := getattr(row, name, None), Ref):
                    needed.setdefault(ref.kind, []).append(ref)
        people = needed.pop(Kind.PERSON, [])
        if PERSON_OF_ATTENDEES in self.fields:
            people += [each.person for row in rows for each in row.attendees or () if each.person is not None]
        for kind, refs in needed.items():
            if kind in LOADERS and self._may_see(kind):
                getattr(self.context.loaders, LOADERS[kind]).load_level(refs)
        if people and self._may_see(Kind.PERSON):
            # Those of lower sources are looked for in the first by their addresses, in one call once all are known.
            first = next(iter(self.context.catalog.people.sources()), None)
            self._records_of_people(ref for ref in people if ref.source is not first)
            self.context.loaders.person_by_ref.load_level([ref for ref in people if ref.source is first])

    def _records_of_people(self, refs: Iterable[Ref]) -> None:
        self.context.loaders.person_record_by_ref.load_level([*refs])

    def _may_see(self, kind: Kind) -> bool:
        principal = self.context.principal
        return principal is None or KIND_SCOPES[kind] in principal.scopes
