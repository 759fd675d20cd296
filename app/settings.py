"""Settings from the environment: `VITRINE_` and, for nested ones, `__`.

`VITRINE_WIKIPEDIA__DEADLINE_SECONDS=0.5`. The table in docs/settings.md is generated from here
(`python -m app settings`); a test fails when a field is undocumented there or read nowhere.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.telemetry.kit.settings import KitSettings

Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(_Group):
    """Where and how it listens."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    workers: int = Field(1, ge=1, le=64, description="worker processes")
    proxies: str = Field(
        "", description="addresses of proxies, with commas, whose X-Forwarded-For is believed"
    )
    root_path: str = Field(
        "",
        pattern=r"^(/[\w.~-]+)*$",
        description="path under which a proxy serves it, and which the proxy takes off, "
        "such as /vitrine",
    )
    allowed_hosts: str = Field(
        "",
        description="names by which it may be asked, with commas, besides addresses and names "
        "without a dot; `*.example.org`: all below a domain; `*`: any",
    )


class LimitSettings(_Group):
    """What one client, and all together, may ask of it."""

    requests_per_second: float = Field(
        50, gt=0, description="what one client may ask for in the long run"
    )
    burst: int = Field(200, ge=1, description="how many requests a client may send at once")
    in_flight: int = Field(64, ge=1, le=1000, description="requests worked on at the same time")
    client_in_flight: int = Field(32, ge=1, le=1000, description="of these, for one client")
    queue_seconds: Seconds = Field(
        0.005,
        description="how long requests may wait for others before they start; while all wait "
        "longer, those that waited twice as long are answered with 503",
    )
    connections: int = Field(2048, ge=1, le=100_000, description="open connections")
    client_connections: int = Field(
        512, ge=1, le=100_000, description="of these, of one client; not counted behind proxies"
    )
    head_bytes: int = Field(32_768, ge=1024, description="largest head of a request")
    head_seconds: Seconds = Field(10, description="how long the head of a request may take")
    write_seconds: Seconds = Field(
        10, description="how long an answer may wait to be read, and 1 s more for each 32 kB of it"
    )
    unsent_bytes: int = Field(
        67_108_864, ge=65_536, description="answers that wait to be read, in memory"
    )
    body_bytes: int = Field(262_144, ge=1024, description="largest JSON body")
    import_bytes: int = Field(67_108_864, ge=1024, description="largest body of POST /documents")


class WikipediaSettings(_Group):
    """The topic signal."""

    enabled: bool = Field(True, description="ask Wikipedia for a topic signal")
    base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://en.wikipedia.org/w/rest.php/v1/search/page"),
        description="the search API",
    )
    contact: str = Field(
        "",
        pattern="^[ -~]*$",  # what a header can carry
        description="your e-mail or page, sent in the User-Agent as Wikimedia's policy asks",
    )
    trace_context: bool = Field(
        False,
        description="send the trace context (`traceparent`) along; off, since Wikipedia continues "
        "no trace and has no use for ids of yours; on for a search service of your own. Baggage "
        "is never sent",
    )
    deadline_seconds: Seconds = Field(0.3, description="how long an answer waits for the signal")
    timeout_seconds: Seconds = Field(2.0, description="how long a call may go on for the cache")
    attempts: int = Field(2, ge=1, le=5, description="calls tried for one query")
    connections: int = Field(10, ge=1, le=100, description="calls under way at the same time")
    cache_entries: int = Field(2000, ge=1, description="queries whose pages are kept")
    cache_seconds: Seconds = Field(900, description="how long pages are kept")
    breaker_failures: int = Field(5, ge=1, description="failures in a row that open the circuit")
    breaker_seconds: Seconds = Field(30, description="how long the circuit stays open")


class TelemetrySettings(KitSettings):
    """What is emitted; the standard OTEL_* variables say where it goes."""

    sdk: Literal["stock", "quick"] = Field(
        "quick", description="the OpenTelemetry SDK behind the API; quick: the folder quick_otel"
    )
    trace_delay: float = Field(
        0,
        ge=0,
        le=600,
        description="seconds until a trace is found there: our page waits with "
        "its link; SigNoz behind tail sampling needs 5",
    )


class Settings(BaseSettings):
    """Everything that can be set. Raises pydantic.ValidationError for what makes no sense."""

    model_config = SettingsConfigDict(
        env_prefix="VITRINE_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # it may be the token
    )

    data: Path = Field(Path("data"), description="folder of the catalogue, journal and model")
    token: SecretStr | None = Field(
        None, min_length=16, description="bearer token of the writing endpoints; none: they are off"
    )
    lexical_index: Literal["auto", "fts5", "memory"] = Field(
        "auto", description="where BM25 is computed; auto decides by the catalogue's size"
    )
    answers_bytes: int = Field(
        33_554_432, ge=0, description="room for answers kept until the catalogue changes; 0: none"
    )
    journal_rows: int = Field(
        200_000, ge=1000, description="recommendations remembered for feedback"
    )
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    wikipedia: WikipediaSettings = WikipediaSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
