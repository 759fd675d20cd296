"""The demo page, served from memory: no build step, no other host."""

from html import escape
from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

KINDS = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


TRACE_URL = "{{trace_url}}"
"""What stands in the page where the address of traces goes."""


def router(trace_url: str) -> APIRouter:
    """The page and its files; answers link to `trace_url`, if it is not empty."""
    routes = APIRouter(include_in_schema=False)
    kept = {name: files(__package__).joinpath("page", name).read_bytes() for name in KINDS}
    shell = kept["index.html"].decode()
    kept["index.html"] = shell.replace(TRACE_URL, escape(trace_url)).encode()

    def serve(path: str, name: str) -> None:
        async def file() -> Response:
            return Response(kept[name], media_type=KINDS[name], headers=HEADERS)

        routes.add_api_route(path, file, name=name)

    serve("/", "index.html")
    for name in ("page.css", "page.js", "icon.svg"):
        serve(f"/{name}", name)
    return routes
