"""What is a breaking change of the schema, and that one has to be in the changelog."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.schema_changes import breaking, dangerous, main

OLD = """
type Query { meetings(first: Int, filter: Filter): [Meeting] person(by: By!): Person }
input Filter { title: String }
input By { id: ID email: String }
enum Status { BOOKED CANCELED }
union Found = Meeting | Person
interface Node { id: ID! }
type Meeting implements Node { id: ID! title: String status: Status! }
type Person implements Node { id: ID! name: String }
"""
CHANGES = [
    ("title: String status", "status", "Meeting.title"),
    ("name: String", "name: Int", "Person.name"),
    ("status: Status!", "status: Status", "Meeting.status"),
    ("first: Int, ", "", "Query.meetings(first:)"),
    ("first: Int,", "first: Int!,", "Query.meetings(first:)"),
    ("by: By!", "by: By!, at: Int!", "Query.person(at:)"),
    ("input Filter { title: String }", "input Filter { title: Int }", "Filter.title"),
    ("email: String }", "}", "By.email"),
    ("email: String }", "email: String kind: Int! }", "By.kind"),
    ("BOOKED CANCELED", "BOOKED", "Status.CANCELED"),
    ("Meeting | Person", "Meeting", "Found.Person"),
    ("type Person implements Node", "type Person", "Person"),
    ("union Found = Meeting | Person", "", "Found"),
]


@pytest.mark.parametrize(("was", "now", "coordinate"), CHANGES)
def test_each_kind_of_breaking_change_is_found_by_its_coordinate(was: str, now: str, coordinate: str) -> None:
    assert was in OLD
    assert coordinate in [change.coordinate for change in breaking(OLD, OLD.replace(was, now, 1))]


@pytest.mark.parametrize(
    ("was", "now"),
    [("title: String status", "title: String notes: String status"), ("first: Int,", "first: Int, last: Int,")],
)
def test_what_is_added_breaks_nobody(was: str, now: str) -> None:
    assert breaking(OLD, OLD.replace(was, now, 1)) == []


def test_an_added_value_of_an_enum_is_listed_and_breaks_nothing() -> None:
    new = OLD.replace("BOOKED CANCELED", "BOOKED CANCELED HELD")
    assert breaking(OLD, new) == []
    assert [change.coordinate for change in dangerous(OLD, new)] == ["Status.HELD"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which nothing was released."""
    (tmp_path / "schema.graphql").write_text(OLD)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- All of it.\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "All of it")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, timeout=60)


def test_without_a_release_nothing_is_compared(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], project) == 0
    assert capsys.readouterr().out == "no release yet: no client can be broken\n"


def test_a_breaking_change_has_to_be_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(project, "tag", "v1.0.0")
    assert main([], project) == 0
    assert capsys.readouterr().out == ""
    (project / "schema.graphql").write_text(OLD.replace("title: String status", "status"))
    assert main([], project) == 1
    said = "breaking since v1.0.0: Field Meeting.title was removed. (`Meeting.title`)"
    assert capsys.readouterr().err == f"{said} is not listed in CHANGELOG.md under Unreleased\n"
    changelog = project / "CHANGELOG.md"
    changelog.write_text("## [Unreleased]\n\n- Other things.\n\n## [1.0.0]\n\n- Removed: `Meeting.title`.\n")
    assert main([], project) == 1, "what an older release lists does not count"
    capsys.readouterr()
    changelog.write_text("## [Unreleased]\n\n- Removed: `Meeting.title`, see `Meeting.salesloft`.\n\n## [1.0.0]\n")
    assert main([], project) == 0
    assert capsys.readouterr().out == f"{said}\n"
