"""The whole answer: how it is now, in one sentence and with everything behind it.

`health(queries)` is what the page, the command line and other tools call; `as_json` is the content
of /api/health.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Literal

from observatory.health import arrival, objectives, series, service_map, services
from observatory.health.arrival import Arrival
from observatory.health.objectives import AlertHealth, ObjectiveHealth
from observatory.health.promql import Demand
from observatory.health.service_map import Edge, Outcomes
from observatory.health.services import ModelHealth, ServiceHealth
from observatory.ui.queries import Queries

DEFAULT_SECONDS = 900
NOTABLE_SHARE, NOTABLE_CALLS = 0.05, 5
"""A share of failed or refused calls is mentioned from here on, if there are that many calls."""
State = Literal["firing", "silent", "pending", "missed", "notes", "ok", "empty"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know that is no alert; `address`: a page that shows more, or empty."""

    text: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer in one sentence. `state` is the worst that holds, in this order:

    firing: an alert fires; silent: telemetry does not arrive, so nothing below it is reliable;
    pending: an alert's condition holds, but not for long enough; missed: an objective is not met;
    notes: see the notes; ok; empty: nothing is stored.
    """

    state: State
    sentence: str
    notes: Sequence[Note]


@dataclass(frozen=True, slots=True)
class Health:
    """Everything, over a window of `seconds` that ends at `at` (seconds since 1970)."""

    at: float
    seconds: int
    verdict: Verdict
    objectives: Sequence[ObjectiveHealth]
    alerts: Sequence[AlertHealth]
    services: Sequence[ServiceHealth]
    edges: Sequence[Edge]
    outcomes: Sequence[Outcomes]
    models: Sequence[ModelHealth]
    arrival: Arrival


def health(queries: Queries, seconds: int = DEFAULT_SECONDS) -> Health:
    """How it is now.

    Raises:
        Problem: a query failed.

    """
    now, plan, demand = queries.clock() / 1e9, queries.parts.plan, Demand()
    evaluation = objectives.Evaluation(queries, plan, now) if plan else None
    if evaluation:
        evaluation.demand(demand)
    window = (now - seconds, now)
    for selector in (services.HTTP, service_map.OUTCOMES, arrival.LOST):
        demand.window(selector, *window)
    stored = series.load(queries, demand)
    rules = evaluation.rules(stored) if evaluation else objectives.Rules()
    busy = services.services(queries, stored.window(services.HTTP, *window), seconds)
    edges = service_map.edges(queries, seconds)
    outcomes = service_map.outcomes(stored.window(service_map.OUTCOMES, *window))
    arrived = arrival.arrival(queries, stored.window(arrival.LOST, *window))
    return Health(
        at=now,
        seconds=seconds,
        verdict=_verdict(rules, arrived, _notes(busy, edges, outcomes, arrived, seconds), busy),
        objectives=rules.objectives,
        alerts=rules.alerts,
        services=busy,
        edges=edges,
        outcomes=outcomes,
        models=services.models(queries, seconds),
        arrival=arrived,
    )


def as_json(found: Health) -> dict[str, Any]:
    """As JSON values; properties of objectives and senders are included."""
    content = asdict(found)
    for each, objective in zip(content["objectives"], found.objectives, strict=True):
        each["met"] = objective.is_met
    for each, sender in zip(content["arrival"]["senders"], found.arrival.senders, strict=True):
        each["late"] = sender.is_late
    return content


def _verdict(
    rules: objectives.Rules,
    arrived: Arrival,
    notes: Sequence[Note],
    busy: Sequence[ServiceHealth],
) -> Verdict:
    state, sentence = next(
        chain(_bad(rules, arrived), _good(rules, arrived, busy)),
        ("ok", "No requests at the moment"),
    )
    return Verdict("notes" if notes and state == "ok" else state, sentence, notes)


def _bad(rules: objectives.Rules, arrived: Arrival) -> Iterator[tuple[State, str]]:
    """What is wrong, the worst first."""

    def alerts(state: str) -> list[str]:
        found = [each.title.partition(":")[0] for each in rules.alerts if each.state == state]
        return list(dict.fromkeys(found))  # of one budget there are several

    if firing := alerts("firing"):
        yield "firing", f"{_count(len(firing), 'alert')}: {', '.join(firing)}"
    if late := [each.service for each in arrived.senders if each.is_late]:
        yield "silent", f"No telemetry arrives from {', '.join(late)}"
    if pending := alerts("pending"):
        yield "pending", f"No alert fires yet; {len(pending)} pending: {', '.join(pending)}"
    if missed := [each.name for each in rules.objectives if each.is_met is False]:
        yield "missed", f"No alert fires, but not met: {', '.join(missed)}"


def _good(
    rules: objectives.Rules, arrived: Arrival, busy: Sequence[ServiceHealth]
) -> Iterator[tuple[State, str]]:
    """What to say if nothing is wrong."""
    if all(each.age_seconds is None for each in arrived.signals):
        yield "empty", "Nothing is stored yet: send telemetry, or wait a moment"
    if met := sum(each.is_met is True for each in rules.objectives):
        total = len(rules.objectives)
        some = f"{met} of {total} objectives met, {total - met} without requests"
        yield "ok", "All objectives met" if met == total else some
    if busy:
        failed = sum(each.failed for each in busy)
        requests = _count(sum(each.requests for each in busy), "request")
        yield "ok", f"{requests}, {failed or 'none'} failed"


def _notes(
    busy: Sequence[ServiceHealth],
    edges: Sequence[Edge],
    outcomes: Sequence[Outcomes],
    arrived: Arrival,
    seconds: int,
) -> list[Note]:
    late = [
        f"{each.service} last sent metrics {_age(each.age_seconds)} ago, and should every "
        f"{each.interval_seconds:g} s: it is down, or what it sends does not arrive"
        for each in arrived.senders
        if each.is_late
    ]
    failing = [
        Note(
            f"{edge.target}: {edge.failed:,} of {edge.calls:,} calls from {edge.source} failed",
            f"/trace/{edge.trace_id}",
        )
        for edge in service_map.dependencies(edges)
        if _is_notable(edge.failed, edge.calls)
    ]
    rejected = [
        f"{each.name}: the circuit breaker rejected {each.counts['open_circuit']:,} of "
        f"{sum(each.counts.values()):,} calls"
        for each in outcomes
        if each.counts.get("open_circuit")
    ]
    lost = [
        f"{service} lost {count:,} spans, log records or exports"
        for service, count in arrived.lost.items()
    ]
    refused = [
        f"The observatory refused {count:,} records or messages of {signal}"
        for signal, count in arrived.refused.items()
    ]
    return [
        *map(Note, late),
        *(note for each in busy for note in _shares(each, seconds)),
        *failing,
        *map(Note, (*rejected, *lost, *refused)),
    ]


def _shares(each: ServiceHealth, seconds: int) -> Iterator[Note]:
    name, most = each.service, f"last={seconds}"
    kinds = (("5", each.failed, "failed"), ("4", each.refused, "were refused"))
    for digit, count, verb in kinds:
        if _is_notable(count, each.requests):
            codes = {code: n for code, n in each.statuses.items() if code.startswith(digit)}
            worst = max(codes, key=lambda code: codes[code], default="")
            text = f"{name}: {count:,} of {each.requests:,} requests {verb}"
            test = f"attr=http.response.status_code%3D{worst}" if worst else "status=error"
            mentioned = ", ".join(f"{n:,} × {code}" for code, n in codes.items())
            detail = f" ({mentioned})" if mentioned else ""
            yield Note(text + detail, f"/traces?{most}&{test}")


def _is_notable(count: int, total: int) -> bool:
    return total >= NOTABLE_CALLS and count >= NOTABLE_SHARE * total


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def _age(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
