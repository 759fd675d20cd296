"""GET /api/export: a run as a file."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from observatory.runs.archive import TooLargeRun, write_archive
from observatory.runs.run import Run
from observatory.runs.stored_runs import KNOWN_OF_EXPORT, chosen_run
from observatory.ui.parameters import Parameters
from observatory.ui.queries import Queries
from observatory.ui.responses import Problem

FOLDER = "exports"


def export_route(queries: Queries) -> Route:
    """The route; one export at a time, because each takes disk space."""
    free = threading.Lock()

    def endpoint(request: Request) -> Response:
        run = chosen_run(queries, Parameters.of(request.query_params, KNOWN_OF_EXPORT))
        if not free.acquire(blocking=False):
            raise Problem(503, "busy", "Another export is running", "Retry when it is done.")
        parent = queries.parts.settings.data.resolve() / FOLDER
        shutil.rmtree(parent, ignore_errors=True)  # left by a killed process

        def finish() -> None:
            shutil.rmtree(parent, ignore_errors=True)
            free.release()

        try:
            parent.mkdir(parents=True)
            path = _written(queries, run, Path(mkdtemp(dir=parent)))
        except BaseException:
            finish()
            raise
        return _Export(path, finish)

    return Route("/api/export", endpoint)


class _Export(FileResponse):
    """A file that is removed when it is sent, or when the client does not read it."""

    def __init__(self, path: Path, finish: Callable[[], None]) -> None:
        super().__init__(path, media_type="application/zip", filename="run.zip")
        self._finish = finish

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(self._finish)


def _written(queries: Queries, run: Run, folder: Path) -> Path:
    parts = queries.parts
    path = folder / "run.zip"
    try:
        write_archive(parts.engine, run, path, parts.settings.disk_bytes)
    except TooLargeRun as error:
        raise Problem(413, "too-large", "The run is too large", str(error)) from error
    return path
