"""Generates docs/telemetry.md, the reference of all emitted telemetry, and the Weaver registry."""

from collections.abc import Iterable
from pathlib import Path

from app import __version__
from app.recommend.stages import FEEDBACK, RECOMMEND, STAGES
from app.telemetry.kit.registry import registry
from app.telemetry.kit.vocabulary import SECONDS, Attribute, Metric
from app.telemetry.vocabulary import VOCABULARY

HEAD = """# What the service emits

Generated from `app/telemetry/vocabulary.py` (`make docs`; `make check` fails if it is out of date).
Tests check everything that the service emits, and fail for a name that is neither here nor in
OpenTelemetry's semantic conventions, for a wrong type, and for a value out of bounds.
`app/telemetry/facts.py` lists what is emitted for each result; `app/telemetry/kit` is the part to
copy, see [Observe your own service](observe-your-own-service.md). [`registry/`](registry) has the
same as a [Weaver](https://github.com/open-telemetry/weaver) registry, with the attributes of each
span, event and metric: `weaver registry check -r docs/registry`.

## A trace

| span | kind | emitted by |
|---|---|---|
| `POST /recommend` and the like | SERVER | FastAPI instrumentation |
"""
TAIL = """| `SELECT` | CLIENT | sqlite3 instrumentation |
| `GET /w/rest.php/v1/search/page` | CLIENT | httpx instrumentation |

A failure sets status ERROR and `error.type` on the span in which it happened, also if the service
recovered from it: then the request is degraded but not failed. `error.type` is the exception's
name, or the status of Wikipedia's response. An unexpected failure also has one `exception` event
with its stack trace, in the stage or request in which it happened: a log record (ERROR if the
exception left the stage, WARN if the service recovered) and, for tools that read exceptions from
spans, a span event. `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` selects `logs/dup` (both, the default)
or `logs`. Feedback links to the span of its recommendation.

Omitted for privacy, although the conventions have them: query strings, headers, the caller's
address, port and user agent, the Host header, database file names, `tracestate`, and messages of
exceptions, which may quote user input. `url.path` is the route's template.

Every response has the trace's id (`traceresponse`, and `trace_id` in recommendations and problems)
and the durations of its stages (`Server-Timing`); `VITRINE_TELEMETRY__RESPONSE_HEADERS=false` turns
the headers off.

## Attributes

Names of the semantic conventions are used where they exist. The service's own:

| name | type | meaning | values |
|---|---|---|---|
"""
EVENTS = """
## Events on spans, and log records

One wide event is logged for each request: `recommendation.served` or `request.answered`, with
severity ERROR for 5xx (needs investigation), WARN for degraded, 429 and 503, else INFO. Every log
record is emitted as one JSON line on standard output and as one OTLP record, with the ids of its
trace.

| name | meaning |
|---|---|
"""
METRICS = """
## Metrics

Durations are in seconds; temporality is cumulative; exemplars are on. Histograms of durations have
the buckets {seconds}; those of fractions have tenths. Every attribute of a metric is bounded: by
the values above, by routes, or by the number of models. Metrics are present from the first
recommendation on, unless the last column says otherwise (`make smoke` reads back all that are
always present).

| name | instrument | unit | meaning | attributes | present |
|---|---|---|---|---|---|
"""
STANDARD = """
Also emitted, as in the conventions: `process.cpu.time`, `process.memory.usage`,
`process.thread.count`, `process.unix.file_descriptor.count`, `cpython.gc.collections`, and metrics
of the SDK itself: `otel.sdk.processor.*` (queues, and dropped items: `error.type` `queue_full`),
`otel.sdk.exporter.*` (sent and failed items) and `otel.sdk.metric_reader.*`.
"""


def reference() -> str:
    """The reference page as Markdown."""
    stages = [name for name in STAGES if name not in (RECOMMEND, FEEDBACK)]
    spans = "".join(f"| `{name}` | INTERNAL | stages |\n" for name in stages)
    attributes = "".join(map(_attribute, VOCABULARY.attributes.values()))
    events = "".join(f"| `{each}` | {each.meaning} |\n" for each in VOCABULARY.events.values())
    metrics = METRICS.format(seconds=_numbers(SECONDS))
    rows = "".join(map(_metric, VOCABULARY.metrics.values()))
    return HEAD + spans + TAIL + attributes + EVENTS + events + metrics + rows + STANDARD


def write_registry(folder: Path) -> None:
    """Write the vocabulary as a Weaver registry."""
    schema = f"https://vitrine.example/schemas/{__version__}"
    about = "Vitrine's own telemetry, and what it uses of OpenTelemetry's semantic conventions."
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in registry(VOCABULARY, schema, about).items():
        (folder / name).write_text(text, "utf-8")


def _attribute(each: Attribute) -> str:
    bounds = ", ".join(f"`{value}`" for value in each.values) or (each.form and f"`{each.form}`")
    return f"| `{each}` | {each.kind} | {each.meaning} | {bounds} |\n"


def _metric(each: Metric) -> str:
    names = ", ".join(f"`{name}`" for name in each.attributes)
    present = f"after {each.after}" if each.after else "always"
    cells = (f"`{each}`", each.instrument, each.unit, each.meaning, names, present)
    return f"| {' | '.join(cells)} |\n"


def _numbers(numbers: Iterable[float]) -> str:
    return ", ".join(f"{each:g}" for each in numbers)
