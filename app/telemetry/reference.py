"""The reference page of everything that is emitted, made from the vocabulary."""

from collections.abc import Iterable
from pathlib import Path

from app import __version__
from app.recommend.stages import FEEDBACK, RECOMMEND, STAGES
from app.telemetry.kit.registry import registry
from app.telemetry.kit.vocabulary import SECONDS, Attribute, Metric
from app.telemetry.vocabulary import VOCABULARY

HEAD = """# What the service emits

Generated from `app/telemetry/vocabulary.py` (`make docs`; `make check` fails when stale). Tests
look at everything the service emits and fail on a name that is neither here nor in OpenTelemetry's
semantic conventions, on another type, and on a value out of bounds. `app/telemetry/facts.py` lists
what is emitted of each result; `app/telemetry/kit` is the part to copy, as
[Observe your own service](observe-your-own-service.md) shows. [`registry/`](registry) is the same
as a [Weaver](https://github.com/open-telemetry/weaver) registry, with what each span, event and
metric carries: `weaver registry check -r docs/registry`.

## A trace

| span | kind | made by |
|---|---|---|
| `POST /recommend` and the like | SERVER | FastAPI instrumentation |
"""
TAIL = """| `SELECT` | CLIENT | sqlite3 instrumentation |
| `GET /w/rest.php/v1/search/page` | CLIENT | httpx instrumentation |

A failure has status ERROR and `error.type` on the span where it happened, also where the service
recovered: then the request is degraded and not failed. `error.type` is the exception's name, or the
status Wikipedia answered with. A failure that the service is not built to live with leaves one
`exception` event with its stack, of the stage or request it happened in: a log record (ERROR where
the failure left the stage, WARN where the service recovered) and, for tools that read exceptions
from spans, a span event. `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` chooses: `logs/dup` (both, the
default) or `logs`. Feedback links to the span of the recommendation it judges.

Left out for privacy, although the conventions have them: query strings, headers, the caller's
address, port and program, the Host header, database file names, `tracestate`, and messages of
exceptions, which may quote what was typed. `url.path` is the route's template.

Every response has the trace's id (`traceresponse`, and `trace_id` in recommendations and problems)
and the times of its stages (`Server-Timing`).

## Attributes

The semantic conventions' are used where there are any. Ours:

| name | type | meaning | values |
|---|---|---|---|
"""
EVENTS = """
## Events on spans, and log records

One wide event is logged for each request: `recommendation.served` or `request.answered`, ERROR when
somebody must look (5xx), WARN when the service did less than it should (degraded, 429, 503), else
INFO. Everything else that is logged goes the same way: one JSON line on standard output and one
OTLP record, with the ids of its trace.

| name | meaning |
|---|---|
"""
METRICS = """
## Metrics

Seconds, cumulative, with exemplars. Histograms of durations have the buckets {seconds}; shares have
tenths. Every attribute of a metric is bounded: by the values above, by routes, or by the number of
models. Metrics are always present, from the first recommendation on, unless they need something
else to have happened (`make smoke` reads back all that are always present).

| name | instrument | unit | meaning | attributes | present |
|---|---|---|---|---|---|
"""
STANDARD = """
Besides these, by the conventions: `process.cpu.time`, `process.memory.usage`,
`process.thread.count`, `process.unix.file_descriptor.count`, `cpython.gc.collections`, and of the
SDK itself `otel.sdk.processor.*` (queues, and what did not fit: `error.type` `queue_full`),
`otel.sdk.exporter.*` (what was sent, and what failed) and `otel.sdk.metric_reader.*`.
"""


def reference() -> str:
    """Markdown."""
    stages = [name for name in STAGES if name not in (RECOMMEND, FEEDBACK)]
    spans = "".join(f"| `{name}` | INTERNAL | stages |\n" for name in stages)
    attributes = "".join(map(_attribute, VOCABULARY.attributes.values()))
    events = "".join(f"| `{each}` | {each.meaning} |\n" for each in VOCABULARY.events.values())
    metrics = METRICS.format(seconds=_numbers(SECONDS))
    rows = "".join(map(_metric, VOCABULARY.metrics.values()))
    return HEAD + spans + TAIL + attributes + EVENTS + events + metrics + rows + STANDARD


def write_registry(folder: Path) -> None:
    """The vocabulary as a Weaver registry."""
    schema = f"https://vitrine.example/schemas/{__version__}"
    about = "What Vitrine emits beside, and of, OpenTelemetry's semantic conventions."
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
