"""Lists under several records, answered together: each is what it would be alone, or a shorter page of the same."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.errors import GatewayError, UpstreamTimeout
from gateway.model.filters import under
from gateway.model.order import Walk
from gateway.model.records import Meeting, Ref, Source
from gateway.paging.window import Window
from tests.catalog.asking import Run, ask, keys, place_of
from tests.catalog.fake import Fake
from tests.catalog.lists_together import (
    LEFT_WITH_A_CURSOR,
    WHOLE,
    Lists,
    Question,
    ask_together,
    listed,
    lists,
    questions,
    rest,
)
from tests.catalog.oracle import OWN_FIELDS, SHARED_FIELDS
from tests.catalog.worlds import (
    Case,
)
from tests.properties import share


@share(0.1)
@given(asked=lists(), question=questions())
@example(asked=LEFT_WITH_A_CURSOR, question=Question(size=1))
def test_lists_together_are_what_they_are_alone(run: Run, asked: Lists, question: Question) -> None:
    fake, case = asked.fake(), asked.case
    query = question.query(fake, case)
    with asked.scaled():
        answers = run(ask_together(fake, query, asked.records))
    assert set(answers) == set(asked.records)
    for record in asked.records:
        together = answers[record]
        assert isinstance(together, ListPage)
        alone = run(ask(fake, msgspec.structs.replace(query, wanted=under(record, query.wanted))))
        check_same(together, alone, query)
        if asked.size is None and asked.full > len(case.salesloft) and (asked.few or asked.spare):
            assert len(along(together, query)) == len(along(alone, query))
            assert together.page.ahead is alone.page.ahead, "one read shows everything"
        if query.window.walk.stop is None:
            check_walked_on(run, fake, case, record, query, together)


def check_same(together: ListPage[Meeting], alone: ListPage[Meeting], query: MeetingQuery) -> None:
    """That a page is the one that is had alone, or the first part of it, and says that more follows."""
    rows, expected = along(together, query), along(alone, query)
    short = len(rows) < query.window.count
    # A twin that shows nothing selected is folded in where somebody has happened to look it up.
    seen = [*OWN_FIELDS, "source", "source_id", *sorted(query.fields & {*SHARED_FIELDS, "sources"})]
    seen += ["twins"] if "drift" in query.fields else []
    for row, other in zip(rows, expected, strict=False):
        assert [getattr(row, name) for name in seen] == [getattr(other, name) for name in seen]
    assert len(rows) <= len(expected)
    assert len(rows) == len(expected) or (short and together.page.ahead)
    assert together.page.ahead or not alone.page.ahead  # that nothing follows may not be known yet
    assert together.behind is alone.behind or together.behind
    assert together.total == alone.total
    assert [(each.source, each.status, each.message) for each in together.reports] == [
        (each.source, each.status, each.message) for each in alone.reports
    ]


def along(page: ListPage[Meeting], query: MeetingQuery) -> list[Meeting]:
    """A page's rows in the direction of its walk."""
    return page.page.rows[::-1] if query.window.walk.backward else page.page.rows


def check_walked_on(  # noqa: PLR0917 - what was asked, and what came
    run: Run, fake: Fake, case: Case, record: Ref, query: MeetingQuery, page: ListPage[Meeting]
) -> None:
    """That the page, and all that follows its far cursor, is the whole list from where the walk began."""
    walk = query.window.walk
    everything = [row for row in listed(fake, case, record) if not walk.passed(place_of(row, case.order))]
    met = [(row.source, row.source_id) for row in along(page, query)]
    far = page.page.start if walk.backward else page.page.end
    if page.page.ahead:
        far = walk.start if far is None and not query.window.count else far
        assert far is not None or not met, "a page says that there is more, but not where"
        met += run(rest(fake, record, query, far))
    assert met == [row.key for row in (reversed(everything) if walk.backward else everything)]


@share(0.05)
@given(asked=lists(), data=st.data())
def test_what_fails_is_reported_by_every_list_that_lacks_it(run: Run, asked: Lists, data: st.DataObject) -> None:
    fake, case = asked.fake(), asked.case
    failing = data.draw(st.sets(st.integers(0, 12), min_size=1, max_size=3), label="calls that fail")
    query = MeetingQuery(window=Window(Walk(case.order), 5), wanted=case.wanted)
    fake.log.failing = lambda _, number: UpstreamTimeout("Late.", source="?") if number in failing else None
    with asked.scaled():
        answers = run(ask_together(fake, query, asked.records))
    fake.log.failing = lambda _name, _number: None
    for record, answer in answers.items():
        if not isinstance(answer, GatewayError):
            reported = {report.source for report in answer.reports if report.status not in WHOLE}
            expected = [row.key for row in listed(fake, case, record)]
            check_no_hole(keys(answer), expected, reported, ahead=answer.page.ahead)
            if not reported:
                check_walked_on(run, fake, case, record, query, answer)


def check_no_hole(
    got: list[tuple[Source, str]], expected: list[tuple[Source, str]], reported: Collection[Source], *, ahead: bool
) -> None:
    """That nothing is missing where every source says so; and of the others, nothing before the last row shown."""
    if not reported:
        assert got == expected[: len(got)]
        assert len(got) == min(5, len(expected)) or ahead
    else:
        last = max((place for place, key in enumerate(expected) if key in got), default=-1)
        reached = [key for key in expected[: last + 1] if key[0] not in reported]
        assert [key for key in got if key in reached] == reached
