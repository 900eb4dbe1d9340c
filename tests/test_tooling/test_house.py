"""The figures of `make house`, over packages made up for them."""

from __future__ import annotations

import pytest

from tools.house import MOST_AMBIGUOUS, MOST_FILES_ENTERED, MOST_FILES_PER_CONDITION, House, report

NOUNS = "\n".join(f"class Noun{number}: ..." for number in range(MOST_AMBIGUOUS + 1))


def house(**sources: str) -> House:
    """A package of these modules, `__` for a dot in their names."""
    return House({"gateway": "", **{f"gateway.{name.replace('__', '.')}": text for name, text in sources.items()}})


SOUND = house(errors="", model__records="import gateway.errors", web__page="from gateway.model import records")


def test_a_sound_house_has_no_faults() -> None:
    figures, faults = report(SOUND, ["catalog/meetings.py"])
    assert faults == []
    assert figures[0].startswith("files 4,")


@pytest.mark.parametrize(
    ("sources", "fault"),
    [
        ({"model__a": "import gateway.model.b", "model__b": "import gateway.model.a"}, "circle: gateway.model.a"),
        (
            {"model__a": "import gateway.paging.b", "paging__b": "import gateway.model.c", "model__c": ""},
            "circle: model paging",
        ),
        ({"upstream__a": "import gateway.web.b", "web__b": ""}, "up: upstream -> web"),
        ({"upstream__a": "def late():\n    import gateway.web.b", "web__b": ""}, "up: upstream -> web"),
        ({"attic__a": ""}, "up: attic is on no floor"),
        ({"upstream__a": NOUNS, "web__b": NOUNS}, "two meanings: Noun0"),
        ({f"web__m{number}": "stepIds" for number in range(MOST_FILES_PER_CONDITION + 1)}, "condition step_ids"),
    ],
)
def test_a_fault_is_named(sources: dict[str, str], fault: str) -> None:
    _, faults = report(house(**sources), [])
    assert any(each.startswith(fault) for each in faults), faults


def test_nouns_that_the_graph_shares_with_the_model_have_one_meaning() -> None:
    sources = {"model__a": NOUNS, "graph__b": NOUNS, "sources__one__wire": NOUNS}
    assert report(house(**sources), [])[1] == []


def test_a_long_way_to_the_wire_is_a_fault() -> None:
    files = [f"catalog/{number}.py" for number in range(MOST_FILES_ENTERED + 1)]
    assert report(SOUND, files)[1] == [f"entered: {' '.join(files)}"]
