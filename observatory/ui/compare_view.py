"""What separates two sets of requests: parameters of the page, and the answer as JSON.

The first set is defined as in the list of traces. The second has the same parameters, prefixed with
`base_`; without them it is all other requests in the window of the first.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.datastructures import QueryParams

from observatory.compare.comparison import compare
from observatory.compare.parameters import as_text
from observatory.compare.report import as_json
from observatory.compare.selection import Selection, Test
from observatory.compare.sources import Query, Rows, Value
from observatory.store.engine import Escaped
from observatory.ui.filters import FILTERS, Filter
from observatory.ui.parameters import RANGE, Parameters
from observatory.ui.queries import Queries

BASE = "base_"
OWN = (*RANGE, *FILTERS)


def comparison(queries: Queries, given: QueryParams) -> dict[str, Any]:
    """Compare the two sets of requests that the parameters define.

    Raises:
        Problem: 422, an invalid parameter; 413, too much to read.

    """
    first, second = selections(given.multi_items(), queries.clock(), queries.kept)
    return as_json(compare(query_of(queries), first, second))


def selections(
    given: Iterable[tuple[str, str]], now: int, kept: int
) -> tuple[Selection, Selection | None]:
    """The two sets; `now` and `kept` (retention) in nanoseconds.

    Raises:
        Problem: 422.

    """
    own, base = [], []
    for name, value in given:
        if name.startswith(BASE):
            base.append((name.removeprefix(BASE), value))
        else:
            own.append((name, value))
    parameters = Parameters.of(QueryParams(own), (*OWN, *(f"{BASE}{name}" for name in OWN)))
    first = selection(parameters, now, kept)
    if not any(value for _, value in base):
        return first, None
    others = Parameters.of(QueryParams(base), OWN)
    if not others.has_range():  # the same window
        return first, _selection(Filter.of(others), first.start, first.end)
    return first, selection(others, now, kept)


def selection(parameters: Parameters, now: int, kept: int) -> Selection:
    """The set of requests that parameters of the list of traces define."""
    where = parameters.range(now, kept)
    return _selection(Filter.of(parameters), where.start, where.end)


def query_of(queries: Queries) -> Query:
    """Runs the statements of a comparison on the store."""

    def query(sql: str, values: Mapping[str, Value]) -> Rows:
        texts = {
            name: value if isinstance(value, str | int) else Escaped(as_text(value))
            for name, value in values.items()
        }
        return queries.rows(sql, texts)

    return query


def _selection(chosen: Filter, start: int, end: int) -> Selection:
    tests = tuple(Test(each.key, each.operator, each.value) for each in chosen.tests)
    return Selection(
        start, end, chosen.service, chosen.route, chosen.status, chosen.shortest, chosen.longest,
        tests,
    )  # fmt: skip
