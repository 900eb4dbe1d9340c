"""Where a source is named outside its own folders, and why: a file that comes to name one has to give a reason here.

Its folders are those of the adapter, of the emulator and of the types that show its rows. A third source was to take
nothing more than the enum, a row of settings, its place in the graph and in the demo (docs/adding-a-source.md), so that
the catalog, paging, live updates, HTTP and the processes know none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gateway"

ALL = ("salesloft", "drift", "calendly")
NAMING: Mapping[str, tuple[tuple[str, ...], str]] = {
    # What each source adds, by name.
    "model/records.py": (ALL, "the enum, in order of rank"),
    "model/conditions.py": (ALL, "how its ids are written"),
    "settings/sources.py": (ALL, "its row in the table of settings"),
    "graph/enums.py": (ALL, "what the enum's value says in the schema"),
    # Its place in the graph, where it is shown under its own name: the contract's words.
    "graph/types/meeting.py": (ALL, "`salesloft`, `drift`, `calendly`, and what each of them lacks"),
    "graph/types/user.py": (ALL, "`driftId`, `calendlyId` and the like"),
    "graph/types/person.py": (ALL, "`salesloft`, `drift`, and whose record is shown"),
    "graph/types/connection.py": (ALL, "how far back and ahead each reaches"),
    "graph/inputs/meetings.py": (ALL, "its own filter"),
    "graph/inputs/keys.py": (ALL, "the keys of `meeting(by:)` and `user(by:)`"),
    # Kinds of records that one source alone has.
    "graph/types/account.py": (("salesloft",), "accounts are Salesloft's"),
    "graph/types/cadence.py": (("salesloft",), "cadences are Salesloft's"),
    "graph/types/task.py": (("salesloft",), "tasks are Salesloft's"),
    "graph/types/conversation.py": (("drift",), "conversations are Drift's"),
    "graph/federation/entities.py": (("salesloft",), "`salesloftId` as a key"),
    "graph/query.py": (("salesloft",), "whose people can be listed"),
    "model/filters.py": (("salesloft", "drift"), "descriptions: what only one of them can meet"),
    "model/record_filters.py": (("salesloft",), "`salesloftIds`, and what only it provides"),
    # What users read of it.
    "settings/clients.py": (("calendly",), "whose people have encrypted ids"),
    "settings/lifetimes.py": (("drift", "calendly"), "whose meetings are read as windows"),
    "settings/server.py": (("drift",), "an example"),
    "commands/webhooks.py": (("drift",), "what to do where the vendor has no call for it"),
    "cli.py": (("salesloft", "drift"), "examples"),
    # A fact of a vendor's that forces a constant.
    "commands/check.py": (("salesloft",), "by how much a clock may be wrong"),
    "graph/inputs/values.py": (("salesloft",), "why keys are validated before any call"),
    "upstream/attempts.py": (("salesloft",), "the dearest call that there is"),
    "upstream/oauth.py": (("salesloft",), "how long a token lives whose lifetime is not told"),
    "sources/problems.py": (("salesloft",), "an example"),
    # The emulated world, which all vendors share, and the demo over it.
    "commands/demo.py": (ALL, "where each delivers its webhooks"),
    "emulator/conditions.py": (ALL, "who is emulated"),
    "emulator/server.py": (ALL, "the emulators, started"),
    "emulator/world.py": (ALL, "who holds which of the team's meetings"),
    "emulator/life.py": (ALL, "what happens as time goes by"),
    "emulator/chat.py": (("salesloft", "drift"), "what was booked in chat, and is in Salesloft too"),
    "emulator/meetings.py": (("salesloft", "drift"), "the meetings as Salesloft holds them"),
    "emulator/team.py": (("salesloft",), "the team as Salesloft knows it"),
    "emulator/prospects.py": (("salesloft",), "whom the team sells to, as Salesloft knows them"),
    "emulator/table.py": (("salesloft",), "how Salesloft's rows refer to each other"),
    "emulator/calendar.py": (("salesloft", "drift"), "how each writes times"),
    "emulator/calendly/bookings.py": (("salesloft", "drift"), "which bookings are in the others' records too"),
    "emulator/calendly/team.py": (("salesloft",), "who of the team books by links"),
}
"""By file: which sources it may name, and what for."""


def own(source: str, path: str) -> bool:
    """Whether a file is in one of a source's own folders."""
    folders = (f"sources/{source}/", f"emulator/{source}/")
    return path.startswith(folders) or path in {f"emulator/{source}.py", f"graph/types/{source}.py"}


def named_in(package: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each file that names a source outside the source's own folders, with the source: in code, comments and texts."""
    for path, text in package.items():
        for source in ALL:
            if not own(source, path) and re.search(source, text, re.IGNORECASE):
                yield path, source


def test_a_source_is_named_only_where_there_is_a_reason() -> None:
    package = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert {path.split("/")[1] for path in package if path.startswith("sources/") and path.count("/") > 1} == set(ALL)
    allowed = {(path, source) for path, (sources, _) in NAMING.items() for source in sources}
    named = set(named_in(package))
    assert sorted(named - allowed) == [], "names a source: take the name out, or say here what for"
    assert sorted(allowed - named) == [], "does not name it any more: take it out here"


@pytest.mark.parametrize("text", ["CALENDLY_DAYS_BACK", '"calendlyId"', "# as Calendly does", "class CalendlyUsers"])
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    assert list(named_in({"catalog/pages.py": text})) == [("catalog/pages.py", "calendly")]
    assert not list(named_in({"sources/calendly/api.py": text, "graph/types/calendly.py": text}))
