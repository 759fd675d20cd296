"""Classes for declaring telemetry names with their types, bounds and meanings.

A name is a `str` with attributes, so that it can be passed to OpenTelemetry, checked in tests
(`testing.py`) and documented. `CoreNames` has the names that the kit emits, with the service's
prefix; a service declares its own names and collects both in a `Vocabulary`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from .causes import CODE

REQUIRED, RECOMMENDED, OPT_IN = "required", "recommended", "opt_in"
Carried = Mapping[str, str]
"""The attributes of a signal with their requirement levels: one of these three, or the condition
under which an attribute is required.
https://opentelemetry.io/docs/specs/semconv/general/attribute-requirement-level/"""
FAILED = "If it failed."
CAUSED_BY = "If a failure is behind it."
CAUSED = "If another exception is the first cause of the failure."
CODED = "If an exception in its chain of causes has a code."
SpanKind = Literal["server", "client", "internal"]
AttributeType = Literal["string", "int", "double", "boolean", "string[]"]
Instrument = Literal["counter", "histogram", "gauge"]
Value = str | bool | int | float | tuple[str, ...]
Attributes = dict[str, Value]

SECONDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
)  # fmt: skip
"""Bucket bounds of durations, from a cached answer to a timeout."""


def plain_names(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The same with names of type `str`: a subclass slows down dictionaries and encoders."""
    return {str(name): value for name, value in attributes.items()}


def required(*names: str) -> dict[str, str]:
    """Requirement levels of attributes that are always set; `error.type` only after a failure."""
    return {name: FAILED if name == "error.type" else REQUIRED for name in names}


class Attribute(str):
    """The name of an attribute, with its values or a regular expression (`form`) for them."""

    __slots__ = ("examples", "form", "kind", "meaning", "values")
    kind: AttributeType
    meaning: str
    values: tuple[str, ...]
    form: str
    examples: tuple[str | float, ...]

    def __new__(
        cls,
        name: str,
        kind: AttributeType,
        meaning: str,
        values: Sequence[str] = (),
        form: str = "",
        examples: Sequence[str | float] = (),
    ) -> Self:
        """`kind`: type of its values; `examples`: for the registry."""
        self = super().__new__(cls, name)
        self.kind, self.meaning, self.values, self.form = kind, meaning, tuple(values), form
        self.examples = tuple(examples)
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.kind, self.meaning, self.values, self.form, self.examples


class Span(str):
    """The name of a span, or its pattern, with its attributes."""

    __slots__ = ("carries", "kind", "meaning")
    kind: SpanKind
    meaning: str
    carries: Carried

    def __new__(cls, name: str, kind: SpanKind, meaning: str, carries: Carried) -> Self:
        """`name`: of the stage; for requests and calls a pattern such as `{http.route}`."""
        self = super().__new__(cls, name)
        self.kind, self.meaning, self.carries = kind, meaning, carries
        return self


class Event(str):
    """The name of a span event or of a log record.

    `warns`: it is logged as a warning. `wide`: it is the wide event of a request, with everything
    known about the request.
    """

    __slots__ = ("carries", "meaning", "warns", "wide")
    meaning: str
    warns: bool
    wide: bool
    carries: Carried

    def __new__(
        cls,
        name: str,
        meaning: str,
        carries: Mapping[str, str] = {},
        *,
        warns: bool = False,
        wide: bool = False,
    ) -> Self:
        """`meaning` is a sentence for the reference, and the body of the log record."""
        self = super().__new__(cls, name)
        self.meaning, self.carries, self.warns, self.wide = meaning, carries, warns, wide
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str, str, Carried], dict[str, bool]]:
        return (str(self), self.meaning, self.carries), {"warns": self.warns, "wide": self.wide}


class Metric(str):
    """The name of a metric, with its attributes and the bounds of its buckets.

    `after`: what must happen before it is emitted; empty: it is present from the first request on.
    """

    __slots__ = ("after", "attributes", "bounds", "carries", "instrument", "meaning", "unit")
    instrument: Instrument
    unit: str
    meaning: str
    carries: Carried
    attributes: tuple[str, ...]
    bounds: tuple[float, ...]
    after: str

    def __new__(  # noqa: PLR0913, PLR0917 - one declaration a metric
        cls,
        name: str,
        instrument: Instrument,
        unit: str,
        meaning: str,
        attributes: Sequence[str] | Carried = (),
        bounds: Sequence[float] = (),
        after: str = "",
    ) -> Self:
        """`unit`: in UCUM; `bounds`: upper bounds of the buckets; `attributes` without requirement
        levels are `required`."""
        self = super().__new__(cls, name)
        self.instrument, self.unit, self.meaning = instrument, unit, meaning
        self.carries = attributes if isinstance(attributes, Mapping) else required(*attributes)
        self.attributes, self.bounds, self.after = tuple(attributes), tuple(bounds), after
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (
            str(self), self.instrument, self.unit, self.meaning, self.carries, self.bounds,
            self.after,
        )  # fmt: skip


_HTTP = ("http.request.method", "http.response.status_code", "error.type")
SERVER_DURATION = Metric(
    "http.server.request.duration", "histogram", "s", "duration of a request",
    ("http.route", *_HTTP, "url.scheme", "network.protocol.version"), SECONDS,
)  # fmt: skip
CLIENT_DURATION = Metric(
    "http.client.request.duration", "histogram", "s", "duration of an outgoing call",
    (*_HTTP, "server.address", "server.port", "network.protocol.version"), SECONDS, "a call",
)  # fmt: skip
DATABASE_DURATION = Metric(
    "db.client.operation.duration", "histogram", "s", "duration of a request's statement",
    ("db.system.name", "db.operation.name", "error.type"), SECONDS,
)  # fmt: skip
OF_LIBRARIES = (SERVER_DURATION, CLIENT_DURATION, DATABASE_DURATION)
"""The metrics of the instrumentation libraries that are emitted."""
RESOURCES = ("file_descriptors", "worker_threads")
"""Limited resources that the kit observes in every process."""
PHASES = ("connect", "tls", "send", "first_byte", "body")
PHASES_ON_SPANS = {
    "connect": "seconds to look up the host and connect",
    "tls": "seconds of the TLS handshake",
    "first_byte": "seconds from the sent request to the response's head",
}
"""The span of a call ends with the response's head: sending is short, and the body comes later."""
CALL = Span(
    "{http.request.method} {url.template}", "client", "a call to another service",
    {
        **required("http.request.method", "url.full", "server.address", "server.port"),
        "url.template": "If the caller sets it.",
        "http.response.status_code": "If there was a response.",
        "error.type": FAILED,
    },
)  # fmt: skip
STATEMENT = Span(
    "{db.operation.name}", "client", "a database statement",
    {
        **required("db.system.name", "db.operation.name", "error.type"),
        "db.query.text": RECOMMENDED,
    },
)  # fmt: skip


class CoreNames:
    """The names that the kit emits for every service, with the service's prefix."""

    def __init__(  # noqa: PLR0913, PLR0915 - one declaration a name
        self,
        prefix: str,
        *,
        stages: Sequence[str] = (),
        background: Sequence[str] = (),
        occurrences: Sequence[Event] = (),
        problems: Sequence[str] = ("internal", "broken-off", "other"),
        resources: Sequence[str] = (),
        request: Mapping[str, str] = {},
        wide: Mapping[str, str] = {},
        started: Mapping[str, str] = {},
        degraded: Attribute | None = None,
    ) -> None:
        """`stages`, `occurrences`, `problems`, `resources`: all possible values, which bound
        attributes; `background`: the stages that run outside of requests; `resources`: those that
        the service observes besides RESOURCES.
        `request`: further attributes of a request's span, from its stages; `wide`: of its wide
        event only; `started`: of the event at the start. `degraded`: the
        service's own name for this attribute; it should end with `.degraded`."""
        self.prefix, self.stages = prefix, tuple(stages)
        self.problems = frozenset(problems)
        name = f"{prefix}.".__add__
        self.stage = Attribute(name("stage"), "string", "name of the stage", stages)
        self.stage_durations = {
            each: Attribute(
                name(f"duration.{each.replace(' ', '_')}"),
                "double",
                f"duration of “{each}” in seconds",
                examples=[0.0042],
            )
            for each in stages
            if each not in background
        }
        self.input_hash = Attribute(
            name("input.hash"), "string",
            "keyed hash of the input; without a configured key, comparable in one worker only",
            form="[0-9a-f]{16}", examples=["5f1d0b8e9a3c7642"],
        )  # fmt: skip
        self.problem = Attribute(
            name("problem"), "string", "kind of the problem in the response", problems
        )
        self.duration = Attribute(
            name("request.duration"),
            "double",
            "duration of the request in seconds",
            examples=[0.0123],
        )
        self.degraded = degraded or Attribute(
            name("degraded"), "boolean", "whether a part was unavailable"
        )
        self.debug = Attribute(
            name("debug"), "boolean",
            f"requested by the header `{prefix}-debug: 1`: tail sampling keeps the trace",
        )  # fmt: skip
        self.aborted = Attribute(
            name("request.broken_off"), "boolean", "whether the response was aborted"
        )
        self.cause = Attribute(
            name("error.cause"), "string",
            "`error.type` of the first exception in the chain of causes, if it is another one",
            examples=["ConnectionRefusedError"],
        )  # fmt: skip
        self.code = Attribute(
            name("error.code"), "string",
            "code of the first cause: errno, resolver, SQLite (`sqlite_errorname`) or TLS",
            form=CODE, examples=["EMFILE", "SQLITE_BUSY"],
        )  # fmt: skip
        about = {"error.type": CAUSED_BY, self.cause: CAUSED, self.code: CODED}
        self.failing: Carried = {self.cause: CAUSED, self.code: CODED}
        self.occurrences = {
            str(each): Event(each, each.meaning, {**each.carries, **about}, warns=each.warns)
            for each in occurrences
        }
        self.client_hash = Attribute(
            name("client.hash"), "string",
            "keyed hash of the client's address, as `input.hash`: tells one client from many",
            form="[0-9a-f]{16}", examples=["a3c764205f1d0b8e"],
        )  # fmt: skip
        self.age = Attribute(
            name("request.age"), "double",
            "seconds from the arrival of the request's head to the start of its work",
            examples=[0.0021],
        )  # fmt: skip
        self.phase = Attribute(
            name("call.phase"), "string", "phase of an outgoing call that began last", PHASES
        )
        self.phase_seconds = {
            each: Attribute(name(f"call.{each}"), "double", meaning, examples=[0.012])
            for each, meaning in PHASES_ON_SPANS.items()
        }
        self.calling: Carried = {
            self.phase: "If the call's phases are observed.",
            self.code: "If a step of the call failed with one.",
            **dict.fromkeys(self.phase_seconds.values(), "If the call had this phase."),
        }
        self.resource = Attribute(
            name("resource.name"), "string", "what is limited", (*RESOURCES, *resources)
        )
        self.settings = Attribute(
            name("settings"), "string[]", "every effective setting; `(set)` for what is secret",
            examples=["server.workers=1"],
        )  # fmt: skip
        self.settings_hash = Attribute(
            name("settings.hash"), "string", "hash of the effective settings",
            form="[0-9a-f]{16}", examples=["0f8e1c5b7a9d4e6f"],
        )  # fmt: skip
        self.batch = Attribute(
            name("telemetry.batch"), "int",
            "on the first item of an export: number of the export, from 1 for each signal of an "
            "instance; a missing number is a lost export",
            examples=[17],
        )  # fmt: skip
        self.batch_items = Attribute(
            name("telemetry.batch_items"), "int",
            "on the first item of an export: number of its items", examples=[1024],
        )  # fmt: skip
        self.occurrence = Attribute(name("occurrence"), "string", "name of the event", occurrences)
        self.signal = Attribute(
            name("signal"), "string", "kind of telemetry", ("traces", "metrics", "logs")
        )
        self.request = Span(
            "{http.request.method} {http.route}", "server", "a request",
            {
                **required("http.request.method", "url.scheme"),
                "http.route": "If there is a route.",
                "url.path": "If there is a route: its template.",
                "http.response.status_code": "If a response was sent.",
                "error.type": "If the response is a 5xx, or was aborted.",
                self.problem: "If the response is a problem.",
                self.degraded: "If a part was unavailable.",
                self.debug: "If the request has the header.",
                self.aborted: "If the response was aborted.",
                **self.failing,
                **request,
            },
        )  # fmt: skip
        self.answered = Event(
            "request.answered",
            "a request has ended; the event has everything known about it",
            wide=True,
        )
        self.invalid = Event("schema_validation_failed", "the input is not valid (422)")
        self.exception = Event(
            "exception", "an unexpected failure",
            {
                **required("exception.type"),
                "exception.stacktrace": "If the exception was not reported before.",
                self.cause: CAUSED,
                self.code: CODED,
                self.input_hash: "If a log record of a request with an input.",
            },
        )  # fmt: skip
        self.stage_duration = Metric(
            name("stage.duration"), "histogram", "s", "duration of a stage",
            (self.stage, "error.type"), SECONDS,
        )  # fmt: skip
        self.problem_count = Metric(
            name("problems"), "counter", "{problem}", "requests that ended with a problem",
            {self.problem: REQUIRED, "http.response.status_code": "If a response was sent."},
            after="a problem",
        )  # fmt: skip
        self.occurrence_count = Metric(
            name("occurrences"), "counter", "{occurrence}", "events reported by stages",
            {self.occurrence: REQUIRED, "error.type": CAUSED_BY},
            after="an event",
        )  # fmt: skip
        self.request_age = Metric(
            self.age, "histogram", "s", "time from the arrival of a head to the start of its work",
            (), SECONDS, "a request over a socket",
        )  # fmt: skip
        self.phase_duration = Metric(
            name("call.phase.duration"), "histogram", "s", "duration of a phase of outgoing calls",
            (self.phase,), SECONDS, "a call",
        )  # fmt: skip
        self.run_queue = Metric(
            name("event_loop.run_queue"), "counter", "s",
            "time that the event loop's thread waited for a CPU", after="the start, on Linux",
        )  # fmt: skip
        self.pause = Metric(
            name("process.pause"), "histogram", "s",
            "delay of a timer in a thread of its own, less its wait for a CPU: the process was "
            "stopped, or another thread held the interpreter lock",
            (), SECONDS,
        )  # fmt: skip
        self.overflows = Metric(
            name("accept.overflows"), "counter", "{connection}",
            "connections that the kernel dropped because a queue of connections to accept was "
            "full, in this network namespace", after="the start, on Linux",
        )  # fmt: skip
        self.clock_drift = Metric(
            name("clock.drift"),
            "gauge",
            "s",
            "how far the wall clock has moved against the monotonic clock since the start",
        )
        self.used = Metric(
            name("resource.used"), "gauge", "{item}", "used amount of something limited",
            (self.resource,),
        )  # fmt: skip
        self.limit = Metric(
            name("resource.limit"), "gauge", "{item}", "its limit", (self.resource,)
        )
        self.active_requests = Metric(
            name("requests.active"), "gauge", "{request}", "concurrent requests"
        )
        self.lost = Metric(
            name("telemetry.lost"), "counter", "{item}",
            "spans, log records and exports of metrics that the collector refused, or that did "
            "not reach it",
            (self.signal,),
        )  # fmt: skip
        self.unconfirmed = Metric(
            name("telemetry.unconfirmed"), "counter", "{item}",
            "the same that were sent without a response in time: stored or not",
            (self.signal,),
        )  # fmt: skip
        self.started = Event(
            "service.started", "the service has started, with these settings and models",
            {self.settings: REQUIRED, self.settings_hash: REQUIRED, **started},
        )  # fmt: skip
        self.wide: Carried = wide
        self.loop_lag = Metric(
            name("event_loop.lag"), "histogram", "s", "delay of timers in the event loop",
            (), SECONDS,
        )  # fmt: skip

    def declared(self) -> Iterable[object]:
        """Every name declared here."""
        groups = (self.stage_durations, self.phase_seconds, self.occurrences)
        return (*vars(self).values(), *(each for group in groups for each in group.values()))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every name that a service may emit besides those of the semantic conventions."""

    core: CoreNames
    attributes: Mapping[str, Attribute]
    events: Mapping[str, Event]
    metrics: Mapping[str, Metric]
    spans: Mapping[str, Span]

    @property
    def wide(self) -> Carried:
        """The attributes of the wide event: those of the request's span and stages, and more."""
        core = self.core
        stages = [self.spans[each].carries for each in core.stage_durations if each in self.spans]
        return {
            **{name: "If the stage ran." for each in stages for name in each},
            **dict.fromkeys(core.stage_durations.values(), "If the stage ran."),
            **core.request.carries,
            **core.wide,
            core.duration: REQUIRED,
            core.client_hash: "If the client has an address.",
            core.age: "If it came over a socket, and did not wait for its own client.",
            core.input_hash: "If the request has an input that a person typed.",
        }

    @classmethod
    def of(cls, core: CoreNames, declared: Iterable[object]) -> Self:
        """Collect declared names, for example from `globals().values()`."""
        call = Span(CALL, CALL.kind, CALL.meaning, {**CALL.carries, **core.calling})
        every = [*core.declared(), *declared, *OF_LIBRARIES, call, STATEMENT]
        spans = [each for each in every if isinstance(each, Span)]
        events = {str(each): each for each in every if isinstance(each, Event)}
        return cls(
            core,
            {str(each): each for each in every if isinstance(each, Attribute)},
            events | core.occurrences,
            {str(each): each for each in every if isinstance(each, Metric)},
            {str(each): _failing(each, core) for each in spans},
        )


def _failing(span: Span, core: CoreNames) -> Span:
    """The span of a stage with the attributes of a failure."""
    if span.kind != "internal":
        return span
    return Span(span, span.kind, span.meaning, {**span.carries, **core.failing})
