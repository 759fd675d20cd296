"""The kit's settings. The export is configured by the standard OTEL_* variables."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Seconds = Annotated[float, Field(gt=0, le=3600)]


class KitSettings(BaseModel):
    """Settings to nest in a service's own settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        True, description="emit traces, metrics and logs, and export them by OTLP"
    )
    sdk: Literal["stock", "quick"] = Field(
        "stock",
        description="the OpenTelemetry SDK behind the API; quick: the folder quick_otel",
    )
    logs: Literal["auto", "json", "text", "off"] = Field(
        "auto",
        description="log lines on standard output, besides OTLP; auto: text for a person at a "
        "terminal, else JSON",
    )
    query_text: Literal["hash", "plain"] = Field(
        "hash",
        description="plain: emit users' queries in traces and logs, and keep paths, query strings "
        "of outgoing calls and SQL literals on spans; for demonstrations only",
    )
    hash_key: SecretStr | None = Field(
        None, description="key of the hashes of inputs; unset: a random one at each start"
    )
    environment: str = Field(
        "development", description="resource attribute `deployment.environment.name`"
    )
    revision: str = Field("", description="source revision; empty: that of the Git work tree")
    shutdown_seconds: Seconds = Field(
        2.5, description="how long the shutdown waits for the last batches"
    )
    response_headers: bool = Field(
        True,
        description="add `traceresponse` (the trace's id) and `Server-Timing` (durations of "
        "stages) to every response, for every caller",
    )
    trace_url: str = Field(
        "",
        pattern=r"^(https?://\S*\{trace_id\}\S*)?$",
        description="URL of a page that shows a trace, with {trace_id} for its id; the demo page "
        "and log lines link to it; empty: no links",
    )
