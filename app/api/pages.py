"""The web pages: demo, runbook and API reference. They need no build step and load nothing from
other hosts; URLs are relative, so that they work under a proxy's path prefix."""

import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from app.api.runbook import RUNBOOK, rendered
from app.settings import TelemetrySettings

PROBES = frozenset({"/livez", "/readyz"})
PAGES = frozenset({"/", "/docs", "/openapi.json", "/runbook"})
STATIC = "/static"
"""Prefix of the pages' static files."""
CONTROLS = "/faults"
"""Prefix of the paths that switch faults (app/faults)."""
UNTRACED = re.compile(
    "|".join([*map(re.escape, sorted(PROBES | PAGES)), f"{STATIC}/.*", f"{CONTROLS}(/.*)?"])
)
"""Neither traced nor logged: health checks, pages, static files, and what must leave no trace."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Assets(StaticFiles):
    """Static files with the pages' security headers."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers.update(HEADERS)
        return response


def install(app: FastAPI, telemetry: TelemetrySettings) -> None:
    """Add the pages and their static files. The demo page links to traces as `telemetry` says."""
    demo = {"trace_url": telemetry.trace_url, "trace_delay": f"{telemetry.trace_delay:g}"}
    _add(app, "/", page("index.html", demo))
    _add(app, "/docs", page("docs.html"))
    if RUNBOOK.is_file():
        body, contents = rendered(RUNBOOK.read_text("utf-8"))
        _add(app, "/runbook", page("runbook.html", markup={"body": body, "contents": contents}))
    else:
        app.add_route("/runbook", _no_runbook, include_in_schema=False)
    app.mount(STATIC, Assets(directory=Path(__file__).with_name("static")), name="static")


def page(
    template: str, values: Mapping[str, str] | None = None, markup: Mapping[str, str] | None = None
) -> str:
    """Fill in a template's `{{names}}`: `values` are escaped, `markup` is not."""
    text = files(__package__).joinpath("templates", template).read_text("utf-8")
    for name, value in (values or {}).items():
        text = text.replace(f"{{{{{name}}}}}", escape(value))
    for name, value in (markup or {}).items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def _add(app: FastAPI, path: str, content: str) -> None:
    async def show(_: Request) -> Response:
        return HTMLResponse(content, headers=HEADERS)

    app.add_route(path, show, include_in_schema=False)


async def _no_runbook(_: Request) -> Response:
    raise HTTPException(404, f"The runbook is not installed: {RUNBOOK} is missing.")
