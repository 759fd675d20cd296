"""How often a comparison names what was planted, and how often it names something by chance.

    python -m benchmarks.comparison [--repeats 6] [--most 200000]

Through the embedded engine, on the traffic of `planted`. Every kind of difference is planted in 2 %
to 50 % of the first set's requests, for sets of 200 to 200,000 requests. It is larger than chance
allows if the counts of the planted fact alone would pass a correction for as many tests. Beside it,
on the same sets: the plain largest difference of shares. Then 200 pairs of sets from the same
traffic.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.planted import Pair, Planted
from benchmarks.report import report
from observatory.compare.comparison import SetCounts, conclude, count_sets
from observatory.compare.findings import LEVEL
from observatory.compare.parameters import as_text
from observatory.compare.significance import p_values
from observatory.compare.sources import Query, Rows, Value
from observatory.store.engine import Engine, Escaped
from observatory.store.schema import prepare

SIZES = (200, 2_000, 20_000, 200_000)
"""Requests of both sets together."""
EFFECTS = (0.02, 0.05, 0.1, 0.2, 0.5)
NULL_PAIRS = 200
NULL_SIZES = (200, 2_000, 10_000)
MEMORY = 2 << 30  # 200,000 requests are stored by one statement
TABLES = ("otel_traces", "otel_traces_trace_id_ts", "otel_logs")


def query_of(engine: Engine) -> Query:
    """The statements of a comparison on the engine."""

    def query(sql: str, values: Mapping[str, Value]) -> Rows:
        texts = {
            name: value if isinstance(value, str | int) else Escaped(as_text(value))
            for name, value in values.items()
        }
        settings = {"output_format_json_quote_64bit_integers": 0}
        answer = engine.write(sql, "JSONEachRow", texts, settings=settings).content
        return [json.loads(line) for line in answer.splitlines()]

    return query


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one pair of sets."""

    pair: Pair
    detectable: bool
    """The planted difference is larger than chance allows."""
    first: bool
    """It was ranked first."""
    named: bool
    """Anything was named."""
    plain: bool
    """It has the largest difference of shares."""


def outcome(engine: Engine, pair: Pair) -> Outcome:
    """Compare one pair of sets."""
    for table in TABLES:
        engine.run(f"TRUNCATE TABLE otel.{table}")
    pair.store(engine)
    query = query_of(engine)
    counts = count_sets(query, pair.first, pair.second)
    result = conclude(query, counts)
    first, second = counts.sizes.first, counts.sizes.second
    shares = counts.table.first.having / first - counts.table.second.having / second
    largest = counts.table.facts[int(np.argmax(np.abs(shares)))]
    planted = pair.planted is not Planted.NOTHING
    return Outcome(
        pair,
        planted and detectable(pair, counts),
        bool(result.findings) and planted and pair.names(list(result.findings[0].statement.facts)),
        bool(result.findings),
        planted and pair.names([largest]),
    )


def detectable(pair: Pair, counts: SetCounts) -> bool:
    """Whether the planted fact, of all that were counted, passes a correction for all of them.

    A pair also has to pass it among the requests that have one of its two facts: otherwise chance
    allows that fact alone to be the difference.
    """
    table = counts.table
    places = [place for place, fact in enumerate(table.facts) if pair.names_part(fact)]
    first, second = counts.sizes.first, counts.sizes.second
    if len(pair.values) < 2:
        a, b = table.first.having[places], table.second.having[places]
        p = p_values(a, b, first, second)
        return bool(len(p)) and float(p.min()) * len(table.facts) * 2 <= LEVEL
    if len(places) < 2 or not set(places) <= set(table.paired):
        return False
    x, y = (table.paired.index(place) for place in places)
    both = np.array([table.first.together[x, y]]), np.array([table.second.together[x, y]])
    pairs = len(table.paired) * (len(table.paired) - 1) / 2
    if float(p_values(*both, first, second)[0]) * pairs * 2 > LEVEL:
        return False
    within = [
        float(p_values(*both, table.first.having[[at]], table.second.having[[at]])[0])
        for at in places
    ]
    return max(within) * len(table.paired) * 2 <= LEVEL


def planted_pairs(repeats: int, most: int) -> Iterator[Pair]:
    """Each kind, effect and size, the largest sizes less often."""
    kinds = [each for each in Planted if each is not Planted.NOTHING]
    number = 0
    for size, kind, effect in product(SIZES, kinds, EFFECTS):
        for _ in range(repeats if size <= 2_000 else max(1, repeats // 3)):
            number += 1
            if size <= most:
                yield Pair(number, (size // 2, size // 2), kind, effect)


def null_pairs(count: int, most: int) -> Iterator[Pair]:
    """Pairs of sets from the same traffic, of even and uneven sizes."""
    sizes = [size for size in NULL_SIZES if size <= most]
    for number in range(count):
        size, part = sizes[number % len(sizes)], (2, 10)[number % 2]
        yield Pair(100_000 + number, (size // part, size - size // part))


def row(what: str, outcomes: list[Outcome]) -> dict[str, object]:
    """A row of the table."""
    able = [each for each in outcomes if each.detectable]
    return {
        "planted": what,
        "pairs of sets": len(outcomes),
        "larger than chance": len(able),
        "ranked first": _share([each.first for each in able]),
        "by largest difference": _share([each.plain for each in able]),
    }


def _share(outcomes: list[bool]) -> str:
    if not outcomes:
        return ""
    return f"{100 * sum(outcomes) / len(outcomes):.1f} % ({sum(outcomes)})"


def main() -> None:
    """Count, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--most", type=int, default=200_000, help="requests of the largest sets")
    parser.add_argument("--nulls", type=int, default=NULL_PAIRS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder), MEMORY)
        prepare(engine, 24 * 365 * 20, 20 << 30)
        try:
            planted = [outcome(engine, each) for each in planted_pairs(given.repeats, given.most)]
            nulls = [outcome(engine, each) for each in null_pairs(given.nulls, given.most)]
        finally:
            engine.close()
    rows = [row("all", planted)]
    rows += [
        row(kind.value, [each for each in planted if each.pair.planted is kind])
        for kind in Planted
        if kind is not Planted.NOTHING
    ]
    for effect in EFFECTS:
        of_effect = [each for each in planted if each.pair.effect == effect]
        rows.append(row(f"in {100 * effect:.0f} % of the requests", of_effect))
    for size in SIZES:
        of_size = [each for each in planted if sum(each.pair.requests) == size]
        if of_size:
            rows.append(row(f"{size:,} requests", of_size))
    report("comparison-planted", "Planted differences, where larger than chance allows", rows)
    alarms = sum(each.named for each in nulls)
    report(
        "comparison-nothing",
        "Pairs of sets from the same traffic",
        [
            {
                "pairs of sets": len(nulls),
                "a difference is named": f"{100 * alarms / len(nulls):.1f} % ({alarms})",
                "by largest difference": "100 %",
            }
        ],
    )


if __name__ == "__main__":
    main()
