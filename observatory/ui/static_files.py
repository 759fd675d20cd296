"""Serves index.html and the static files from memory.

index.html refers to the files by a content hash, so that browsers can cache them forever. With
some sixty small modules this makes the page open fast.
"""

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
MISSING = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>No such page – Vitrine</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/base.css">
<main class="view">
<h1>No such page</h1>
<p>There are <a href="/">health</a>, <a href="/diagnose">diagnose</a>,
<a href="/traces">traces</a>, <a href="/logs">logs</a>, <a href="/charts">charts</a>,
<a href="/metrics">metrics</a>, <a href="/compare">compare</a>, <a href="/model">model</a> and
<a href="/sql">SQL</a>.</p>
</main>
"""
FOREVER = HEADERS | {"Cache-Control": "max-age=31536000, immutable"}
VIEWS = (
    "/diagnose", "/traces", "/trace/{trace_id}", "/logs", "/charts", "/metrics", "/compare",
    "/model", "/sql",
)  # fmt: skip


def routes() -> list[Route]:
    """index.html at the path of every view; static files with and without a version."""
    folder = files(__package__).joinpath("static")
    read = {
        each.name: each.read_bytes()
        for each in folder.iterdir()
        if each.is_file() and each.name.rpartition(".")[2] in KINDS
    }
    version = _version(read)
    page = read.pop("index.html").replace(b'"/static/', b'"/static/%s/' % version.encode())
    latest = {name: _response(name, content, HEADERS) for name, content in read.items()}
    versioned = {name: _response(name, content, FOREVER) for name, content in read.items()}
    missing = Response("No such file.\n", 404, media_type="text/plain", headers=HEADERS)

    async def shell(_: Request) -> Response:
        return _response("index.html", page, HEADERS)

    async def start(request: Request) -> Response:
        """Links to the list of traces, which was here once, lead on to it."""
        if query := request.url.query:
            return RedirectResponse(f"/traces?{query}", 307, HEADERS)
        return await shell(request)

    async def file(request: Request) -> Response:
        given = request.path_params
        available = versioned if given.get("version") == version else latest
        return available.get(given["name"], missing)

    return [
        Route("/", start),
        *(Route(view, shell) for view in VIEWS),
        Route("/static/{name}", file),
        Route("/static/{version}/{name}", file),
    ]


def missing_page() -> Response:
    """404 for a browser."""
    return Response(MISSING, 404, media_type=KINDS["html"], headers=HEADERS)


def _version(read: dict[str, bytes]) -> str:
    return hashlib.sha256(b"".join(read[name] for name in sorted(read))).hexdigest()[:12]


def _response(name: str, content: bytes, headers: dict[str, str]) -> Response:
    kind = KINDS[name.rpartition(".")[2]]
    return Response(content, media_type=kind, headers=headers)
