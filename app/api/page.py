"""The demo page, served from memory: no build step, no other host."""

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

router = APIRouter(include_in_schema=False)
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


def _file(name: str) -> Response:
    content = files(__package__).joinpath("page", name).read_bytes()
    return Response(content, media_type=KINDS[name], headers=HEADERS)


@router.get("/")
async def index() -> Response:
    return _file("index.html")


@router.get("/page.css")
async def style() -> Response:
    return _file("page.css")


@router.get("/page.js")
async def script() -> Response:
    return _file("page.js")


@router.get("/icon.svg")
async def icon() -> Response:
    return _file("icon.svg")
