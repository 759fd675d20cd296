"""Addresses, methods and content types that are not served."""

import httpx
import pytest

from tests.api.service import WRITER, problem, recommended
from tests.cases import cases

pytestmark = pytest.mark.anyio
WRITING = {
    "/recommend": ("POST", "application/json"),
    "/feedback": ("POST", "application/json"),
    "/documents/x": ("PUT", "application/json"),
    "/documents": ("POST", "application/x-ndjson"),
}


@cases(
    "path",
    ["/nowhere", "/recommend/", "/documents/", "/documents/a/b", "/documents/tide/similar/",
     "/../etc/passwd", "/%00", "/RECOMMEND"],
)  # fmt: skip
async def test_an_unknown_address_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(path), 404)


@cases(
    ("method", "path"),
    [("DELETE", "/recommend"), ("PATCH", "/documents/tide"), ("POST", "/documents/tide"),
     ("GET", "/feedback"), ("PUT", "/documents"), ("POST", "/livez"), ("BREW", "/recommend"),
     ("OPTIONS", "/recommend")],
)  # fmt: skip
async def test_a_method_that_is_not_served_is_refused(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path)
    problem(answer, 405)
    assert answer.headers["allow"]


@cases(
    ("path", "methods"),
    [
        ("/recommend", "GET, POST, HEAD"),
        ("/documents", "GET, POST, HEAD"),
        ("/documents/tide", "GET, PUT, DELETE, HEAD"),
        ("/documents/tide/similar", "GET, HEAD"),
        ("/feedback", "POST"),
        ("/livez", "GET, HEAD"),
        ("/", "GET, HEAD"),
    ],
)
async def test_the_methods_that_are_served_are_all_named(
    client: httpx.AsyncClient, path: str, methods: str
) -> None:
    assert (await client.request("PATCH", path)).headers["allow"] == methods


@cases(
    "path",
    ["/", "/page.js", "/livez", "/readyz", "/version", "/categories", "/documents?limit=1",
     "/documents/staling", "/documents/no-such", "/documents/staling/similar", "/openapi.json",
     "/documents?limit=0", "/nowhere"],
)  # fmt: skip
async def test_head_is_get_without_a_body(client: httpx.AsyncClient, path: str) -> None:
    got, headed = await client.get(path), await client.head(path)
    assert headed.status_code == got.status_code
    assert headed.content == b""
    assert headed.headers["content-type"] == got.headers["content-type"]
    if path != "/documents/staling/similar":  # it has a duration in it
        assert headed.headers["content-length"] == got.headers["content-length"]


@cases(
    "kind",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx",
     "multipart/form-data; boundary=x", "application", "", "*/*", "application/json-seq"],
)  # fmt: skip
@cases("path", WRITING)
async def test_another_content_type_is_refused(
    client: httpx.AsyncClient, path: str, kind: str
) -> None:
    method, wanted = WRITING[path]
    headers = WRITER | {"Content-Type": kind}
    answer = await client.request(method, path, content=b'{"query": "bread"}', headers=headers)
    assert wanted in problem(answer, 415).detail
    assert answer.headers["accept-post"] == wanted


@cases("path", WRITING)
async def test_a_body_without_content_type_is_refused(client: httpx.AsyncClient, path: str) -> None:
    method, wanted = WRITING[path]
    answer = await client.request(method, path, content=b"{}", headers=WRITER)
    assert wanted in problem(answer, 415).detail


@cases(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        " application/json",
    ],
)
async def test_json_is_taken_however_it_is_called(client: httpx.AsyncClient, kind: str) -> None:
    headers = {"Content-Type": kind}
    recommended(await client.post("/recommend", content=b'{"query": "tide"}', headers=headers))


@cases("body", [b"\xef\xbb\xbf" + b'{"query": "tide"}',
                                  '{"query": "tide"}'.encode("utf-16")])  # fmt: skip
async def test_json_with_a_byte_order_mark_is_taken(client: httpx.AsyncClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    recommended(await client.post("/recommend", content=body, headers=headers))
