"""Paging: nothing is lost or repeated between pages, and each takes bounded time."""

from itertools import chain, count

import pytest
from starlette.datastructures import QueryParams

from observatory.composition import Parts
from observatory.ui.paging import BUDGET_SECONDS, FIRST, GROWTH, time_slices
from observatory.ui.parameters import Parameters, Range
from observatory.ui.queries import Queries
from observatory.ui.trace_list import KNOWN, traces
from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    HOUR,
    MINUTE,
    NOW,
    RECENT,
    SECOND,
    Part,
    StoredTelemetry,
    record,
    root,
)

LIMITS = [2, 7]


def listed(page: Page, **parameters: object) -> list[int]:
    """Numbers of the traces on all pages."""
    pages = page.pages("traces", "traces", **parameters)
    return [int(each["trace_id"], 16) for each in chain.from_iterable(pages)]


@pytest.mark.parametrize("limit", LIMITS)
def test_traces_that_begin_together(page: Page, stored: StoredTelemetry, limit: int) -> None:
    numbers = list(range(1, 8))
    for number in numbers:
        stored.trace(number, RECENT, root())
    stored.trace(8, RECENT - 1, root())
    stored.trace(9, RECENT + 1, root())
    assert listed(page, limit=limit) == [9, *reversed(numbers), 8]


@pytest.mark.lasting
@pytest.mark.parametrize("limit", LIMITS)
def test_with_and_without_roots_and_with_many(
    page: Page, stored: StoredTelemetry, limit: int
) -> None:
    for number in range(1, 13):
        begin = RECENT - number // 2 * SECOND
        match number % 3:
            case 0:
                stored.trace(number, begin, root())
            case 1:
                stored.trace(number, begin, Part(2, 1))
            case _:  # a second root an hour later: shown once, by the first
                stored.trace(number, begin - HOUR, root(), root(2, start=HOUR))
    ours = [number for number in range(1, 13) if number % 3 != 2]
    assert listed(page, limit=limit) == sorted(ours, key=lambda number: (number // 2, -number))
    everything = listed(page, limit=limit, last=3 * 3600)
    assert sorted(everything) == list(range(1, 13))


@pytest.mark.lasting
def test_far_apart(page: Page, stored: StoredTelemetry) -> None:
    begins = [MINUTE, 10 * MINUTE, 20 * MINUTE, 3 * HOUR, 5 * HOUR, 30 * HOUR, 70 * HOUR]
    for number, ago in enumerate(begins):
        stored.trace(number + 1, NOW - ago, root())
    assert listed(page, limit=2, last=72 * 3600) == list(range(1, 8))
    assert listed(page, limit=500, last=72 * 3600) == list(range(1, 8))
    assert listed(page, limit=2, last=72 * 3600, attr="http.route", service="vitrine") == list(
        range(1, 8)
    )


def test_a_page_that_is_just_full_has_no_next(page: Page, stored: StoredTelemetry) -> None:
    for number in (1, 2):
        stored.trace(number, RECENT, root())
    assert not page.get("traces", limit=2)["more"]
    assert page.get("traces", limit=1)["more"]


def test_before_a_time_means_older(page: Page, stored: StoredTelemetry) -> None:
    for number in (1, 2, 3):
        stored.trace(number, RECENT + number, root())
    assert page.ids(before=RECENT + 2) == [1]
    assert page.ids(before=RECENT + 10) == [3, 2, 1]


def test_before_a_time_means_older_for_records_too(page: Page, stored: StoredTelemetry) -> None:
    stored.logs([record(str(number), RECENT + number) for number in (1, 2, 3)])
    [found] = page.get("logs", before=RECENT + 2)["logs"]
    assert found["body"] == "1"


@pytest.mark.parametrize("limit", LIMITS)
def test_records_of_one_moment(page: Page, stored: StoredTelemetry, limit: int) -> None:
    output = ["same", "same", *(f"record {number}" for number in range(6))]
    stored.logs([record(each, RECENT) for each in output])
    stored.logs([record("older", RECENT - 1), record("newer", RECENT + 1)])
    pages = list(page.pages("logs", "logs", limit=limit))
    bodies = [each["body"] for each in chain.from_iterable(pages)]
    assert (bodies[0], bodies[-1]) == ("newer", "older")
    assert sorted(bodies[1:-1]) == sorted(output)
    assert all(len(each) == limit for each in pages[:-1])


@pytest.mark.parametrize("limit", LIMITS)
def test_records_far_apart(page: Page, stored: StoredTelemetry, limit: int) -> None:
    agos = [MINUTE, 20 * MINUTE, 20 * MINUTE, 20 * MINUTE, 40 * HOUR]
    stored.logs([record(f"{number}", NOW - ago) for number, ago in enumerate(agos)])
    pages = page.pages("logs", "logs", limit=limit, last=72 * 3600)
    bodies = [each["body"] for each in chain.from_iterable(pages)]
    assert (bodies[0], sorted(bodies[1:4]), bodies[4]) == ("0", ["1", "2", "3"], "4")


def test_stretches_grow_back_in_time_without_gaps() -> None:
    where = Range(0, 100 * FIRST)
    found = list(time_slices(where, lambda: 0.0))
    assert found[0] == Range(99 * FIRST, 100 * FIRST)
    assert found[1] == Range((99 - GROWTH) * FIRST, 99 * FIRST)
    assert found[-1].start == 0
    assert [each.start for each in found[:-1]] == [each.end for each in found[1:]]
    assert list(time_slices(Range(5, 5), lambda: 0.0)) == []


def test_stretches_end_when_time_is_up() -> None:
    second = count()
    found = list(time_slices(Range(0, 10**6 * FIRST), lambda: float(next(second))))
    assert len(found) == int(BUDGET_SECONDS) + 1
    # Each took long, so none is longer than the first.
    assert {each.end - each.start for each in found} == {FIRST}


@pytest.fixture
def slow(page_parts: Parts) -> Queries:
    """Time is up after each stretch."""
    clock = count(0, 10)
    return Queries(page_parts, lambda: NOW, lambda: float(next(clock)))


def test_a_search_that_takes_too_long_goes_on_with_the_next_page(
    stored: StoredTelemetry, slow: Queries
) -> None:
    stored.trace(1, NOW - 40 * MINUTE, root())
    before, found, pages = None, [], 0
    while before is not None or pages == 0:
        given = {"last": "3600"} | ({"before": before} if before else {})
        answer = traces(slow, Parameters.of(QueryParams(given), KNOWN))
        found += [each["trace_id"][-1] for each in answer["traces"]]
        before, pages = answer["next"], pages + 1
        assert answer["more"] == (before is not None)
    assert (found, pages) == (["1"], HOUR // FIRST)
