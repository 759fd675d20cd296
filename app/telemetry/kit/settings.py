"""The settings of the kit. Where telemetry is sent is up to the standard OTEL_* variables."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Seconds = Annotated[float, Field(gt=0, le=3600)]


class KitSettings(BaseModel):
    """What is emitted, and how; nest it in a service's own settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(True, description="make traces, metrics and logs, and send them by OTLP")
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
        "hash", description="plain: show what users typed in traces and logs; for demonstrations"
    )
    hash_key: SecretStr | None = Field(
        None, description="key of the hashes that stand for inputs; none: another at each start"
    )
    environment: str = Field("development", description="deployment.environment.name")
    revision: str = Field("", description="source revision; empty: that of the Git work tree")
    shutdown_seconds: Seconds = Field(2.5, description="how long the end waits for the last batch")
    trace_url: str = Field(
        "",
        pattern=r"^(https?://\S*\{trace_id\}\S*)?$",
        description="address of the page that shows a trace, with {trace_id} for its id: answers "
        "on our page link there; empty: no links",
    )
