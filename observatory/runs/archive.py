"""A run as one file: a zip of one Parquet file for each table, and a manifest.

The members are not compressed again, as Parquet is compressed; `unzip` and any reader of Parquet
open them without this program. The manifest has the columns, rows, sizes and SHA-256 of each.
"""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from observatory.runs.run import Run
from observatory.store.engine import Engine, literal
from observatory.store.schema import TABLES, TIME_COLUMNS

VERSION = 1
"""Of the file. A reader refuses later ones."""
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
DERIVED = "otel_traces_trace_id_ts"
"""Filled by a view when spans are inserted."""
STORED = tuple(table for table in TABLES if table != DERIVED)


class BadArchive(Exception):
    """The file cannot be opened; the message says why."""


class TooLargeRun(Exception):
    """The run does not fit into the limit."""


class Member(BaseModel):
    """One table."""

    model_config = ConfigDict(frozen=True)

    rows: int
    bytes: int
    sha256: str
    columns: Mapping[str, str]
    """Types by name."""


class Manifest(BaseModel):
    """What the file contains; `start` and `end` in nanoseconds since 1970."""

    model_config = ConfigDict(frozen=True)

    format: Literal["vitrine-run"] = "vitrine-run"
    version: int = VERSION
    name: str
    start: int
    end: int
    exported: datetime
    engine: str
    """Version of ClickHouse."""
    tables: Mapping[str, Member]

    @property
    def run(self) -> Run:
        """The run in the file."""
        return Run(self.name, self.start, self.end)


def write_archive(engine: Engine, run: Run, path: Path, max_bytes: int) -> Manifest:
    """Write a run to `path`; memory does not depend on its size.

    Raises:
        TooLargeRun: the file would exceed `max_bytes`.
        EngineError: a table cannot be read, or the disk is full.

    """
    members: dict[str, Member] = {}
    size = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for table in STORED:
            exported = path.with_name(f"{table}.parquet")
            members[table] = _export(engine, run, table, exported)
            size += members[table].bytes
            if size > max_bytes:
                raise TooLargeRun(
                    f"The run takes more than {max_bytes:,} bytes; export a shorter time "
                    "(--since, --until)."
                )
            archive.write(exported, exported.name)
            exported.unlink()
        manifest = Manifest(
            name=run.name,
            start=run.start,
            end=run.end,
            exported=datetime.now(UTC),
            engine=engine.run("SELECT version()").decode().strip(),
            tables=members,
        )
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=2))
    return manifest


def _export(engine: Engine, run: Run, table: str, path: Path) -> Member:
    time = TIME_COLUMNS.get(table, "TimeUnix")
    where = " AND ".join(
        f"{time} {sign} fromUnixTimestamp64Nano(toInt64({value}), 'UTC')"
        for sign, value in ((">=", run.start), ("<", run.end))
    )
    file = f"file({literal(str(path))}, Parquet)"
    engine.run(f"INSERT INTO FUNCTION {file} SELECT * FROM otel.{table} WHERE {where}")
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return Member(
        rows=int(engine.run(f"SELECT count() FROM {file}")),
        bytes=path.stat().st_size,
        sha256=digest,
        columns=_columns(engine, table),
    )


def _columns(engine: Engine, table: str) -> dict[str, str]:
    described = engine.write(f"DESCRIBE TABLE otel.{table}", "JSONEachRow").content
    rows = (json.loads(line) for line in described.splitlines())
    return {row["name"]: row["type"] for row in rows}


def read_manifest(path: Path) -> Manifest:
    """The manifest of a file.

    Raises:
        BadArchive: it is truncated, not a run, or of a later version.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
                raise BadArchive(f"{path} has a manifest that is too large; it is not a run.")
            content = json.loads(archive.read(MANIFEST))
    except FileNotFoundError as error:
        raise BadArchive(f"{path} does not exist.") from error
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadArchive(f"{path} is not an exported run, or is cut off: copy it again.") from error
    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise BadArchive(
            f"{path} was exported by a newer version (format {version}; this observatory reads "
            f"up to {VERSION}): update this one."
        )
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        raise BadArchive(f"{path} has an invalid manifest; it is not an exported run.") from error
    if unknown := set(manifest.tables) - set(STORED):
        raise BadArchive(f"{path} has unknown tables: {', '.join(sorted(unknown))[:200]}.")
    return manifest


def load_archive(engine: Engine, path: Path, manifest: Manifest, folder: Path) -> None:
    """Insert the tables of a file; `folder`: for temporary files.

    Raises:
        BadArchive: a table is damaged, or has columns that are unknown here.
        EngineError: a table cannot be stored.

    """
    for table, member in manifest.tables.items():
        if unknown := set(member.columns) - set(_columns(engine, table)):
            raise BadArchive(
                f"{path} has columns that are unknown here ({', '.join(sorted(unknown))[:200]} of "
                f"{table}): update this observatory."
            )
        extracted = folder / f"{table}.parquet"
        _extract(path, extracted, member)
        columns = ", ".join(f"`{name}`" for name in member.columns)
        file = f"file({literal(str(extracted))}, Parquet)"
        engine.run(f"INSERT INTO otel.{table} ({columns}) SELECT {columns} FROM {file}")
        extracted.unlink()


def _extract(path: Path, to: Path, member: Member) -> None:
    damaged = BadArchive(f"{path} is damaged (the checksum of {to.name} differs): copy it again.")
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(to.name)
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != member.bytes:
                raise damaged
            with archive.open(info) as source, to.open("wb") as target:
                shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, KeyError) as error:
        raise damaged from error
    with to.open("rb") as written:
        if hashlib.file_digest(written, "sha256").hexdigest() != member.sha256:
            raise damaged
