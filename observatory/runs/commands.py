"""Lists and exports runs: through the observatory that runs, or from its folder."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from starlette.datastructures import QueryParams

from observatory.console import fail, print_message
from observatory.durations import seconds_of
from observatory.runs.archive import (
    BadArchive,
    Manifest,
    TooLargeRun,
    read_manifest,
    write_archive,
)
from observatory.runs.stored_runs import KNOWN_OF_EXPORT, chosen_run, run_list
from observatory.settings import ObservatorySettings
from observatory.store.engine import EngineError
from observatory.ui.parameters import Parameters
from observatory.ui.queries import Queries
from observatory.ui.responses import Problem
from slo.openslo import InvalidDeclaration

SECONDS = 900
"""Time limit of an export."""


def parse_time(text: str, now: datetime) -> int:
    """Milliseconds since 1970 of `2h` (ago) or an ISO 8601 time, local without an offset.

    Raises:
        typer.Exit: after a message: it is neither.

    """
    try:
        if (ago := seconds_of(text)) is not None:
            time = now - timedelta(seconds=ago)
        else:
            time = datetime.fromisoformat(text)
        return int(time.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise fail(f"{text!r} is not a time: write 30m, 2h, or 2026-11-30T14:00.") from error


def list_runs(settings: ObservatorySettings, url: str) -> list[Mapping[str, Any]]:
    """The stored runs, newest first."""
    try:
        response = httpx.get(f"{url}/api/runs", timeout=settings.query_seconds + 5, trust_env=False)
        runs: list[Mapping[str, Any]] = _checked(response).json()["runs"]
    except httpx.ConnectError:
        with _without_server(settings) as queries:
            runs = run_list(queries)["runs"]
    return runs


def export_run(
    settings: ObservatorySettings, url: str, parameters: Mapping[str, str], to: Path
) -> Manifest:
    """Export a run to a new file; `parameters`: of /api/export.

    Raises:
        typer.Exit: after a message.

    """
    if to.exists():
        raise fail(f"{to} exists already; name another file.")
    try:
        with TemporaryDirectory(prefix=".export-", dir=to.parent) as folder:
            part = Path(folder).resolve() / "run.zip"
            try:
                _download(url, parameters, part)
            except httpx.ConnectError:
                with _without_server(settings) as queries:
                    given = Parameters.of(QueryParams(parameters), KNOWN_OF_EXPORT)
                    run = chosen_run(queries, given)
                    write_archive(queries.parts.engine, run, part, settings.disk_bytes)
            manifest = read_manifest(part)
            part.rename(to)
    except Problem as problem:
        raise fail(f"{problem.title}. {problem.detail}") from problem
    except (EngineError, OSError, httpx.HTTPError, BadArchive, TooLargeRun) as error:
        raise fail(f"The run can't be exported: {error}") from error
    return manifest


def _download(url: str, parameters: Mapping[str, str], to: Path) -> None:
    with httpx.stream(
        "GET", f"{url}/api/export", params=parameters, timeout=SECONDS, trust_env=False
    ) as response:
        _checked(response)
        with to.open("wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        content = json_of(response)
        raise fail(f"{content.get('title', response.reason_phrase)}. {content.get('detail', '')}")
    return response


def json_of(response: httpx.Response) -> dict[str, Any]:
    """The problem details in a response; empty if there are none."""
    response.read()
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def _without_server(settings: ObservatorySettings) -> Iterator[Queries]:
    """The store itself, where no observatory runs."""
    from observatory.composition import open_parts  # noqa: PLC0415  imports the engine

    if not settings.data.is_dir():
        raise fail(f"No observatory runs, and there is no data folder {settings.data}.")
    try:
        with open_parts(settings) as parts:
            yield Queries(parts)
    except EngineError as error:
        raise fail(f"The data folder {settings.data} can't be read: {error}") from error
    except InvalidDeclaration as error:
        raise fail(f"The objectives in {settings.objectives} can't be read: {error}") from error


def print_exported(manifest: Manifest, to: Path) -> None:
    """Say what is in the file."""
    rows = {name: member.rows for name, member in manifest.tables.items()}
    points = sum(count for name, count in rows.items() if name.startswith("otel_metrics_"))
    start = datetime.fromtimestamp(manifest.start / 1e9, UTC).astimezone()
    print_message(
        f"{to} has {rows['otel_traces']:,} spans, {rows['otel_logs']:,} log records and {points:,} "
        f"metric points since {start:%Y-%m-%d %H:%M} ({to.stat().st_size:,} bytes). Open it with: "
        f"python -m observatory open {to}"
    )
