"""Opens an exported run: a store of its own, pages on a port of their own, nothing received."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from pydantic import SecretStr

from observatory.console import fail, print_message
from observatory.ports import PortTaken
from observatory.runs.archive import BadArchive, Manifest, load_archive, read_manifest
from observatory.runs.run import Run
from observatory.server import serve_run
from observatory.settings import ObservatorySettings
from observatory.store.engine import Engine, EngineError
from slo.openslo import InvalidDeclaration

FOLDER = "opened"
"""Beside the present data: on the same disk, in a database of its own."""
KEPT_HOURS = 24 * 366 * 30
"""Nothing in an opened run expires. ClickHouse's times end in 2106."""
DISK_FACTOR = 4
"""Disk space for the store, as a multiple of the file."""
STARTING_SECONDS = 60
"""Age at which a folder that is not in use belongs to a killed process."""


def open_run(path: Path, settings: ObservatorySettings, port: int) -> None:
    """Serve an exported run until interrupted; `port` of the page, 0 for a free one.

    Raises:
        typer.Exit: after a message: it cannot be opened.

    """
    try:
        manifest = read_manifest(path)
        with _folder(settings.data / FOLDER, path) as folder:
            serve_run(
                _settings(settings, folder, path, port),
                lambda engine: _loaded(engine, path, manifest, folder),
                lambda page, clickhouse: _print_ready(manifest, page, clickhouse),
            )
    except BadArchive as error:
        raise fail(str(error)) from error
    except (PortTaken, EngineError, InvalidDeclaration, OSError) as error:
        raise fail(f"{path} can't be opened: {error}") from error
    os._exit(0)  # threads still running need not be awaited


def _settings(
    present: ObservatorySettings, folder: Path, path: Path, port: int
) -> ObservatorySettings:
    changed = {
        "data": folder,
        "page_port": port,
        "clickhouse_port": 0,
        "write_token": SecretStr(""),
        "retention_hours": KEPT_HOURS,
        "disk_bytes": present.disk_bytes + DISK_FACTOR * path.stat().st_size,
    }
    return present.model_copy(update=changed)


@contextmanager
def _folder(parent: Path, path: Path) -> Iterator[Path]:
    """A new folder, removed at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent)
    needed, free = DISK_FACTOR * path.stat().st_size, shutil.disk_usage(parent).free
    if needed > free:
        raise BadArchive(f"{path} needs about {needed:,} bytes of disk space; {free:,} are free.")
    folder = Path(mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders of killed processes: nothing holds the engine's lock in them."""
    for folder in parent.iterdir():
        try:
            with (folder / "in-use").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            if time.time() - folder.stat().st_mtime < STARTING_SECONDS:
                continue
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _loaded(engine: Engine, path: Path, manifest: Manifest, folder: Path) -> Run:
    load_archive(engine, path, manifest, folder)
    return manifest.run


def _print_ready(manifest: Manifest, page: str, clickhouse: str) -> None:
    start, end = (
        datetime.fromtimestamp(each / 1e9, UTC).astimezone()
        for each in (manifest.start, manifest.end)
    )
    print_message(
        f"\nThe run {manifest.name!r} ({start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}) is on "
        f"{page}\nIt is read-only, and its now is its end. SQL: {clickhouse}. Ctrl-C closes it."
    )
