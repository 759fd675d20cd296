"""Settings of the observatory, from the environment: `OBSERVATORY_…`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "OBSERVATORY_"
Port = Annotated[int, Field(ge=0, le=65535)]
Bytes = Annotated[int, Field(ge=1 << 20)]


class ObservatorySettings(BaseSettings):
    """Addresses, retention, and limits of requests and queries."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    page_port: Port = Field(8080, description="the page; 0 takes a free port, as for all ports")
    grpc_port: Port = Field(4317, description="OTLP over gRPC")
    http_port: Port = Field(4318, description="OTLP over HTTP")
    clickhouse_port: Port = Field(8123, description="ClickHouse's HTTP interface")
    hosts: str = Field(
        "",
        description="comma-separated host names to accept besides its address and localhost "
        "(protects against DNS rebinding)",
    )
    data: Path = Field(Path("data/observatory"), description="folder of the database")
    objectives: Path = Field(
        Path("slo"),
        description="folder of objectives.yaml (OpenSLO) and alerts.yaml, which the page Health "
        "evaluates; without it, the page does without objectives and alerts",
    )
    runbook: Path = Field(
        Path("docs/runbook.md"), description="Markdown with a section for each alert"
    )
    service: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^(https?://[^/?#@\s]+(/[^?#\s]*)?)?$",
        description="address of the service whose model versions the page Model lists, promotes "
        "and rolls back (with the service's token, which is typed there); over a network use "
        "https; if empty, the page shows the telemetry only",
    )
    retention_hours: int = Field(72, ge=1, le=24 * 366, description="how long telemetry is kept")
    disk_bytes: Bytes = Field(
        5 << 30, description="largest size on disk; above it the oldest data is dropped"
    )
    memory_bytes: int = Field(700 << 20, ge=256 << 20, description="memory limit of the engine")
    message_bytes: Bytes = Field(8 << 20, description="largest OTLP message, decompressed")
    waiting_bytes: int = Field(
        256 << 20,
        ge=16 << 20,
        description="memory limit outside the engine: request bodies, rows queued for the store, "
        "responses not yet read; requests beyond it are refused and may be retried",
    )
    write_token: SecretStr = Field(
        SecretStr(""),
        description="password for writing over ClickHouse's HTTP interface; if empty, writing is "
        "refused",
    )
    query_seconds: float = Field(10, gt=0, le=600, description="time limit of a query")
    query_rows: int = Field(
        10_000, ge=1, le=400_000, description="rows in the result of a query on the SQL page"
    )
    query_bytes: Bytes = Field(256 << 20, description="memory limit of a query")
