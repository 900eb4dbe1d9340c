"""The runner of the properties: what it takes for a pass, and what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.properties import WEIGHTS
from tools import properties
from tools.properties import Outcome, verdict

pytestmark = pytest.mark.slow

WELL = Outcome("tests/a/test_a.py", {"a.one": (300, 300), "a.two": (120, 100)}, 9.0)


def test_all_is_well_where_every_property_had_its_cases_in_time() -> None:
    assert verdict([WELL], seconds=59.6, minutes=1) == (["420 cases in 60 s of the 60 s that they may take"], True)


@pytest.mark.parametrize(
    ("outcome", "seconds", "said"),
    [
        (Outcome("tests/a/test_a.py", {"a.one": (299, 300)}, 9.0), 9.0, "a.one: 299 cases, not 300"),
        (Outcome("tests/a/test_a.py", {"a.one": (300, 300)}, 9.0, "E  assert"), 9.0, "tests/a/test_a.py: failed"),
        (Outcome("tests/a/test_a.py", {}, 9.0), 9.0, "no property was tried"),
        (WELL, 60.1, "too slow"),
    ],
)
def test_anything_else_is_not(outcome: Outcome, seconds: float, said: str) -> None:
    lines, well = verdict([outcome], seconds, minutes=1)
    assert not well
    assert lines[0] == said


def test_the_weights_are_added_up() -> None:
    """So that a profile tries as many cases in all as it says."""
    texts = [(properties.ROOT / file).read_text(encoding="utf-8") for file in properties.files()]
    weights = [float(weight) for text in texts for weight in re.findall(r"^@share\(([\d.]+)", text, re.MULTILINE)]
    assert round(sum(weights), 3) == WEIGHTS


def test_it_finds_the_files_by_what_they_import() -> None:
    found = properties.files()
    assert "tests/catalog/test_pages.py" in found
    assert "tests/sources/salesloft/test_lanes_properties.py" in found
    assert not any("test_tooling" in file for file in found)


def test_a_file_is_tried_in_a_process_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = properties.tried_apart("tests/paging/test_merge.py", "quick")
    assert outcome.failure is None
    assert outcome.tried
    assert all(passed >= asked for passed, asked in outcome.tried.values())
    assert capsys.readouterr().out.startswith(f"tests/paging/test_merge.py: {outcome.cases:,} cases, ")


def test_each_run_draws_by_a_seed_of_its_own_and_says_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that CI finds what it did not draw yesterday; and `--seed` draws a run's cases again."""
    drawn: list[int] = []

    def tried(file: str, _profile: str, seed: int) -> Outcome:
        drawn.append(seed)
        return replace(WELL, file=file)

    monkeypatch.setattr(properties, "tried_apart", tried)
    monkeypatch.setattr(properties, "files", lambda: ["tests/a/test_a.py"])
    for given in (["ci"], ["ci"], ["nightly"], ["ci", "--seed", "4711"]):
        assert properties.main(given) == 0
        assert capsys.readouterr().out.startswith(f"seed {drawn[-1]}\n")
    assert len(set(drawn)) == 4
    assert drawn[-1] == 4711


def test_only_the_quick_profile_draws_the_same_cases_again() -> None:
    """In processes of their own, since the profile is read when the module is."""
    script = """if True:
        import hypothesis, tests.properties
        run = tests.properties.share(0.1)(hypothesis.given(hypothesis.strategies.integers())(lambda x: None))
        print(run._hypothesis_internal_use_settings.derandomize)
    """
    said = {
        profile: subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            cwd=properties.ROOT,
            env={**os.environ, "PROPERTIES": profile},
        ).stdout.strip()
        for profile in properties.MINUTES
    }
    assert said == {"quick": "True", "ci": "False", "nightly": "False"}


def test_a_file_that_fails_is_reported_with_pytest_s_output(tmp_path: Path) -> None:
    broken = tmp_path / "test_broken.py"
    broken.write_text("import no_such_module_anywhere\n", encoding="utf-8")
    outcome = properties.tried_apart(str(broken), "quick")
    assert outcome.tried == {}
    assert "no_such_module_anywhere" in (outcome.failure or "")
