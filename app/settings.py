"""The service's settings, read from environment variables, and their table in Markdown.

Names begin with `VITRINE_`; `__` separates nested names, as in
`VITRINE_WIKIPEDIA__DEADLINE_SECONDS=0.5`. docs/settings.md is
generated from this module (`make docs`); a test fails if a setting is undocumented or unused.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.telemetry.kit.settings import KitSettings

PREFIX = "VITRINE_"
Leaf = tuple[str, FieldInfo]
"""A setting: its environment variable and its field."""
HEAD = """# Settings

Every setting is an environment variable, validated at start. This table is generated
(`make docs`); a test fails if it is out of date.

| variable | default | meaning |
|---|---|---|
"""
Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(_Group):
    """The HTTP server."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    workers: int = Field(1, ge=1, le=64, description="worker processes")
    proxies: str = Field(
        "",
        description="addresses of trusted proxies, separated by commas: their X-Forwarded-For "
        "is used",
    )
    root_path: str = Field(
        "",
        pattern=r"^(/[\w.~-]+)*$",
        description="path prefix that the proxy in front strips, such as /vitrine",
    )
    allowed_hosts: str = Field(
        "",
        description="host names that requests may address, separated by commas, besides IP "
        "addresses and names without a dot; `*.example.org`: all subdomains; `*`: any",
    )


class LimitSettings(_Group):
    """Limits per client and in total."""

    requests_per_second: float = Field(
        50, gt=0, description="sustained rate of requests of one client"
    )
    burst: int = Field(200, ge=1, description="requests that a client may send at once")
    in_flight: int = Field(64, ge=1, le=1000, description="concurrent requests")
    client_in_flight: int = Field(
        32, ge=1, le=1000, description="concurrent requests of one client"
    )
    queue_seconds: Seconds = Field(
        0.005,
        description="target for the time a request waits before it starts; while all requests "
        "wait longer, those that waited twice as long are refused with 503",
    )
    connections: int = Field(2048, ge=1, le=100_000, description="open connections")
    client_connections: int = Field(
        512,
        ge=1,
        le=100_000,
        description="open connections of one client; not applied behind proxies",
    )
    head_bytes: int = Field(32_768, ge=1024, description="maximum size of a request head")
    head_seconds: Seconds = Field(10, description="timeout for receiving a request head")
    write_seconds: Seconds = Field(
        10, description="timeout for sending a response, plus 1 s for each 32 kB of it"
    )
    unsent_bytes: int = Field(
        67_108_864, ge=65_536, description="total size of unsent responses in memory"
    )
    body_bytes: int = Field(262_144, ge=1024, description="maximum size of a JSON body")
    import_bytes: int = Field(
        67_108_864, ge=1024, description="maximum size of the body of POST /documents"
    )


class WikipediaSettings(_Group):
    """The topic signal from Wikipedia's search."""

    enabled: bool = Field(True, description="request a topic signal from Wikipedia")
    base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://en.wikipedia.org/w/rest.php/v1/search/page"),
        description="URL of the search API",
    )
    contact: str = Field(
        "",
        pattern="^[ -~]*$",  # valid in a header
        description="your e-mail address or web page, sent in the User-Agent as Wikimedia's policy "
        "requires",
    )
    trace_context: bool = Field(
        False,
        description="send the trace context (`traceparent`); off by default because Wikipedia does "
        "not use it; turn it on for your own search service. Baggage is never sent",
    )
    deadline_seconds: Seconds = Field(
        0.3, description="how long a request waits for the topic signal"
    )
    timeout_seconds: Seconds = Field(
        2.0, description="timeout of a call, which continues after the deadline to fill the cache"
    )
    attempts: int = Field(2, ge=1, le=5, description="maximum number of attempts per query")
    connections: int = Field(10, ge=1, le=100, description="concurrent calls")
    cache_entries: int = Field(2000, ge=1, description="queries in the cache")
    cache_seconds: Seconds = Field(900, description="lifetime of a cache entry")
    empty_answers: int = Field(
        8, ge=2, description="consecutive answers without pages from which on they are failures"
    )
    breaker_failures: int = Field(
        5, ge=1, description="consecutive failures that open the circuit breaker"
    )
    breaker_seconds: Seconds = Field(30, description="how long the circuit breaker stays open")


class WatchSettings(_Group):
    """What watches the ranking model beside the requests."""

    drift: bool = Field(
        True, description="compare queries and answers with the model's reference profile"
    )
    shadow_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of the answers, without those from the cache, whose candidates the "
        "challenger scores too, off the request's path; 0: none",
    )
    student_share: float = Field(
        0.01,
        ge=0,
        le=1,
        description="share of the answers whose query the student's teacher encodes too, to "
        "compare both, off the request's path (docs/encoders.md); 0: none",
    )
    feedback: bool = Field(
        True, description="estimate the online metric of each version from feedback, every minute"
    )
    feedback_seconds: Seconds = Field(
        600,
        description="feedback counts in the online metric if it arrives this soon; a "
        "recommendation counts from then on",
    )


class SplitSettings(_Group):
    """Which users get the answers of the challenger (docs/drift.md)."""

    share: float = Field(
        0, ge=0, le=1, description="share of the users who get the challenger's answers; 0: none"
    )
    key: str = Field(
        "client",
        pattern=r"^(client|(header|cookie):[\w.!#$%&'*+^`|~-]{1,64})$",
        description="what tells users apart: `client` (the address), `header:NAME` or "
        "`cookie:NAME`; requests without it get the champion's answers. It is not recorded",
    )


class FaultSettings(_Group):
    """Faults to practise with (docs/incidents.md)."""

    allowed: bool = Field(
        False,
        description="faults can be switched on with the token (docs/incidents.md); never set it "
        "where others depend on the service",
    )
    ledger: Path | None = Field(
        None, description="file that notes which faults were on; unset: in the data folder"
    )


class TelemetrySettings(KitSettings):
    """The service's telemetry; the standard OTEL_* variables configure its export."""

    sdk: Literal["stock", "quick"] = Field(
        "quick", description="the OpenTelemetry SDK behind the API; quick: the folder quick_otel"
    )
    trace_delay: float = Field(
        0,
        ge=0,
        le=600,
        description="seconds until a trace can be opened at `trace_url`; the demo page enables the "
        "link after that time; SigNoz with tail sampling needs 5",
    )


class Settings(BaseSettings):
    """All settings. Raises pydantic.ValidationError for invalid values."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # the input may be the token
    )

    data: Path = Field(Path("data"), description="folder of the catalogue, journal and model")
    token: SecretStr | None = Field(
        None, min_length=16, description="bearer token for writing; unset: writing is disabled"
    )
    lexical_index: Literal["auto", "fts5", "memory"] = Field(
        "auto", description="where BM25 is computed; auto: by the size of the catalogue"
    )
    encoder: Literal["static", "student", "teacher"] = Field(
        "static",
        description="encoder of the dense leg: static embeddings; a student of a transformer, made "
        "by `python -m app distill`; or the transformer itself, which is slower",
    )
    teacher: Path | None = Field(
        None,
        description="folder of the transformer, in the layout of sentence-transformers; unset: the "
        "one that `make teacher` installs",
    )
    answered_from: float | None = Field(
        None,
        ge=0,
        le=1,
        description="minimum relevance of an answered query; unset: the calibrated threshold",
    )
    answers_bytes: int = Field(
        33_554_432,
        ge=0,
        description="size of the cache of recommendations, which a catalogue change clears; 0: off",
    )
    journal_rows: int = Field(
        200_000, ge=1000, description="recommendations retained in the journal for feedback"
    )
    journal_queries: bool = Field(
        False,
        description="store the text of queries in the journal, so that `python -m app train "
        "--feedback` can learn from them; otherwise it has only a keyed hash of each",
    )
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    wikipedia: WikipediaSettings = WikipediaSettings()
    watch: WatchSettings = WatchSettings()
    split: SplitSettings = SplitSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    faults: FaultSettings = FaultSettings()


def settings_table() -> str:
    """Markdown with one row per setting."""
    rows = (f"| `{name}` | {_default(field)} | {field.description} |\n" for name, field in leaves())
    return HEAD + "".join(rows)


def unknown_names(environment: Iterable[str]) -> list[str]:
    """Variables with the prefix that are not settings: most likely misspelt."""
    known = {name for name, _ in leaves()}
    groups = {name.rpartition("__")[0] for name in known}
    mine = {name for name in environment if name.startswith(PREFIX)}
    return sorted(mine - known - groups)


def leaves(prefix: str = PREFIX, model: type[BaseModel] = Settings) -> Iterator[Leaf]:
    """Every setting as (variable, field)."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(f"{prefix}{name.upper()}__", kind)
        else:
            yield f"{prefix}{name.upper()}", field


def _default(field: FieldInfo) -> str:
    value = field.default
    return "" if value in (None, "") or isinstance(value, SecretStr) else f"`{value}`"
