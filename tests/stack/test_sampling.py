"""Of 5,000 traces all that investigations need is kept whole, and of the rest the share that was
set; metrics of spans count every one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from scipy.stats import binom

from tests.cases import cases
from tests.observatory.observatory_process import Observatory
from tests.stack.generated_traces import SLOW, Made, messages, traces
from tests.stack.sampling_collector import BY_POLICY, Sampler, sampling
from tests.waiting import until

pytestmark = pytest.mark.lasting

SEED = 5
COUNTS = {"failed": 250, "slow": 100, "degraded": 150, "plain": 4500}
SHARE = 0.2
RARE = 1e-6
"""How likely a sound sampler is to fall beside one of the bounds."""
CALLS, DURATION = "traces.span.metrics.calls", "traces.span.metrics.duration"
STATUS = {0: "STATUS_CODE_UNSET", 2: "STATUS_CODE_ERROR"}


class Run(NamedTuple):
    """What was sent, and the spans of each trace that was kept."""

    sampler: Sampler
    made: list[Made]
    kept: dict[str, int]

    def of(self, kind: str) -> list[Made]:
        return [each for each in self.made if each.kind == kind]


@pytest.fixture(scope="module")
def run(
    otelcol: Path, store: Observatory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """The wait is long enough for messages of one trace that have a slow machine between them."""
    variables = {
        "COLLECTOR_SAMPLING_PERCENTAGE": 100 * SHARE,
        "COLLECTOR_DECISION_WAIT": "10s",
        "COLLECTOR_DECISION_WAIT_AFTER_ROOT": "5s",
    }
    made = traces(Random(SEED), COUNTS)
    with sampling(otelcol, tmp_path_factory.mktemp("run"), store, **variables) as sampler:
        for message in messages(made, sampler.service):
            sampler.send_message(message)
        sampler.decided(len(made))
        yield Run(sampler, made, sampler.stored())


@cases("kind", ["failed", "slow", "degraded"])
def test_what_is_needed_is_kept_whole(run: Run, kind: str) -> None:
    whole = {each.trace: len(each.spans) for each in run.of(kind)}
    assert len(whole) == COUNTS[kind]
    assert {trace: run.kept.get(trace) for trace in whole} == whole


def test_of_the_rest_the_set_share_is_kept_and_whole(run: Run) -> None:
    whole = {each.trace: len(each.spans) for each in run.of("plain")}
    kept = {trace: spans for trace, spans in run.kept.items() if trace in whole}
    assert kept.items() <= whole.items()
    low, high = binom.ppf([RARE, 1 - RARE], COUNTS["plain"], SHARE)
    assert low <= len(kept) <= high


def test_nothing_else_is_there(run: Run) -> None:
    assert run.kept.keys() <= {each.trace for each in run.made}


def test_the_collector_reports_what_each_policy_kept(run: Run) -> None:
    kept = {kind: len(run.of(kind)) for kind in ("failed", "slow", "degraded")}
    kept["share of ours"] = len(run.kept) - sum(kept.values())
    report = {
        policy: run.sampler.report(BY_POLICY, policy=policy, decision="sampled") for policy in kept
    }
    assert report == kept


def test_every_span_is_counted_whatever_is_kept(run: Run) -> None:
    sent = Counter((each.name, STATUS[each.status.code]) for one in run.made for each in one.spans)
    until(lambda: sum(_calls(run).values()) >= sent.total())
    assert _calls(run) == sent


def test_durations_are_those_of_every_span(run: Run) -> None:
    until(lambda: sum(row["Count"] for row in _durations(run)) >= _sent(run).total())
    counted: Counter[tuple[str, int]] = Counter()
    for row in _durations(run):
        for bucket, count in enumerate(row["BucketCounts"]):
            counted[row["name"], bucket] += int(count)
    bounds = _durations(run)[0]["ExplicitBounds"]
    assert +counted == Counter(
        (each.name, bisect_left(bounds, _seconds(each))) for one in run.made for each in one.spans
    )


def test_exemplars_of_failures_and_of_what_was_slow_point_to_kept_traces(run: Run) -> None:
    """Others point to traces of which the set share was kept: what they point to may be gone."""
    rows = run.sampler.store.rows(
        "SELECT value, trace, Attributes['status.code'] = 'STATUS_CODE_ERROR' AS failed"
        " FROM otel.otel_metrics_histogram"
        " ARRAY JOIN Exemplars.Value AS value, Exemplars.TraceId AS trace"
        f" WHERE MetricName = '{DURATION}' AND {run.sampler.mine}"
    )
    slow = {row["trace"] for row in rows if row["value"] >= SLOW / 1000}
    failed = {row["trace"] for row in rows if row["failed"]}
    others = {row["trace"] for row in rows} - slow - failed
    assert slow
    assert failed
    assert slow | failed <= run.kept.keys()
    assert others - run.kept.keys()


def _calls(run: Run) -> Counter[tuple[str, str]]:
    rows = run.sampler.store.rows(
        "SELECT name, status, sum(last) AS calls FROM (SELECT Attributes['span.name'] AS name,"
        " Attributes['status.code'] AS status, argMax(Value, TimeUnix) AS last"
        f" FROM otel.otel_metrics_sum WHERE MetricName = '{CALLS}' AND {run.sampler.mine}"
        " GROUP BY Attributes) GROUP BY name, status"
    )
    return Counter({(row["name"], row["status"]): int(row["calls"]) for row in rows})


def _durations(run: Run) -> list[dict[str, Any]]:
    return run.sampler.store.rows(
        "SELECT Attributes['span.name'] AS name, toUInt32(argMax(Count, TimeUnix)) AS Count,"
        " arrayMap(each -> toUInt32(each), argMax(BucketCounts, TimeUnix)) AS BucketCounts,"
        " any(ExplicitBounds) AS ExplicitBounds"
        f" FROM otel.otel_metrics_histogram WHERE MetricName = '{DURATION}'"
        f" AND {run.sampler.mine} GROUP BY Attributes"
    )


def _sent(run: Run) -> Counter[str]:
    return Counter(each.name for one in run.made for each in one.spans)


def _seconds(of: Any) -> float:
    return float((of.end_time_unix_nano - of.start_time_unix_nano) / 1e9)
