"""Settings of the observatory, from the environment: `OBSERVATORY_…`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "OBSERVATORY_"
Port = Annotated[int, Field(ge=0, le=65535)]
Bytes = Annotated[int, Field(ge=1 << 20)]


class ObservatorySettings(BaseSettings):
    """Where it listens, what it keeps, what may be asked of it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    page_port: Port = Field(8080, description="the page; 0 takes a free port, as for all ports")
    grpc_port: Port = Field(4317, description="OTLP over gRPC")
    http_port: Port = Field(4318, description="OTLP over HTTP")
    clickhouse_port: Port = Field(8123, description="ClickHouse's HTTP interface")
    hosts: str = Field(
        "",
        description="names, with commas, under which it is asked for besides its address and "
        "localhost (a page elsewhere could reach it by a name of its own)",
    )
    data: Path = Field(Path("data/observatory"), description="folder of the database")
    retention_hours: int = Field(72, ge=1, le=24 * 366, description="how long telemetry is kept")
    disk_bytes: Bytes = Field(5 << 30, description="of disk; beyond it the oldest goes")
    memory_bytes: int = Field(
        700 << 20, ge=256 << 20, description="that the engine may take in all"
    )
    message_bytes: Bytes = Field(8 << 20, description="largest OTLP message, unpacked")
    waiting_bytes: int = Field(
        256 << 20,
        ge=16 << 20,
        description="that may be held at a time, beside the engine: bodies that arrive, rows to be "
        "stored, answers that are not yet read; what is more is refused",
    )
    write_token: SecretStr = Field(
        SecretStr(""),
        description="password that may write over ClickHouse's interface; none may, where empty",
    )
    query_seconds: float = Field(10, gt=0, le=600, description="longest query")
    query_rows: int = Field(10_000, ge=1, le=400_000, description="rows of a page's SQL query")
    query_bytes: Bytes = Field(256 << 20, description="of memory that one query may take")
