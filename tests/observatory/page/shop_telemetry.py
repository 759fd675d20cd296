"""Hand-made telemetry: a shop of three services, and somebody who means harm."""

from time import time_ns
from typing import Any, NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.observatory.messages import attributes, log, request, span
from tests.observatory.otlp_client import Endpoints, http, post

MS = 1_000_000
SERVER, CLIENT, INTERNAL = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL
FAILED = Status(code=Status.STATUS_CODE_ERROR, message="no such table: carts")

ORDER, FAILURE, SLOW, HOSTILE, WIDE = (f"{number:032x}" for number in range(0xA1, 0xA6))
STATEMENT = "SELECT name, price FROM carts WHERE buyer = ? ORDER BY price"
STACK = 'Traceback (most recent call last):\n  File "shop.py", line 7\nKeyError: carts'

MARKUP = '<img src=x onerror="window.harmed=1">'
SCRIPT = "</script><script>window.harmed=2</script>"
BIDI = "invoice\u202egpj.exe"
LONG = "x" * 1_000_000
KEY = "<b onclick=alert(1)>key</b>"
WIDE_SPANS = 3000
SPANS = 5 + 2 + 1 + WIDE_SPANS + 2
"""In all traces together."""


class Part(NamedTuple):
    """A span: where it is in its trace, in milliseconds, and what else there is to it."""

    number: int
    parent: int
    name: str
    start: float
    end: float
    service: str = "shop"
    more: dict[str, Any] = {}  # noqa: RUF012


def span_id(number: int) -> bytes:
    return number.to_bytes(8, "big")


def send(endpoints: Endpoints, trace: str, start: int, parts: list[Part]) -> None:
    """Store a trace that starts at `start`, in nanoseconds since 1970."""
    for service in {part.service for part in parts}:
        spans = [_span(trace, start, part) for part in parts if part.service == service]
        resource = {"service.name": service, "host.name": f"{service}-1"}
        http(endpoints, "traces", request("traces", spans, resource))


def _span(trace: str, start: int, part: Part) -> Span:
    given = {"kind": INTERNAL} | part.more
    return span(
        part.name,
        trace_id=bytes.fromhex(trace),
        span_id=span_id(part.number),
        parent_span_id=span_id(part.parent) if part.parent else b"",
        start_time_unix_nano=start + round(part.start * MS),
        end_time_unix_nano=start + round(part.end * MS),
        **given,
    )


def send_logs(endpoints: Endpoints, trace: str, start: int, records: list[dict[str, Any]]) -> None:
    """Store records: {"at": ms, "span": number, "said": …, "level": …, "number": …}."""
    made = [
        log(
            each["output"],
            time_unix_nano=start + round(each["at"] * MS),
            trace_id=bytes.fromhex(trace),
            span_id=span_id(each["span"]),
            severity_text=each["level"],
            severity_number=each["number"],
            attributes=attributes(each.get("attributes", {})),
        )
        for each in records
    ]
    http(endpoints, "logs", request("logs", made, {"service.name": "shop"}))


def served(route: str, code: int, method: str = "GET", **more: Any) -> dict[str, Any]:
    """Fields of a server's span."""
    observatory = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": code,
    }
    return {"kind": SERVER, "attributes": attributes(observatory | more)}


def event(name: str, at: int, **given: Any) -> Span.Event:
    named = {key.replace("__", "."): each for key, each in given.items()}
    return Span.Event(name=name, time_unix_nano=at, attributes=attributes(named))


def everything(endpoints: Endpoints, now: int | None = None) -> None:
    """All traces that the tests are about; the newest first in the list is HOSTILE."""
    start = (now or time_ns()) - 60_000 * MS
    order(endpoints, start)
    failure(endpoints, start + 5_000 * MS)
    slow(endpoints, start + 10_000 * MS)
    wide(endpoints, start + 15_000 * MS)
    hostile(endpoints, start + 20_000 * MS)


def order(endpoints: Endpoints, start: int) -> None:
    """20 ms, of which 12 in the warehouse, of which 8 in SQL; nobody waits for the note."""
    sql = {
        "kind": CLIENT,
        "attributes": attributes({"db.system.name": "sqlite", "db.query.text": STATEMENT}),
    }
    address = "http://warehouse:9000/stock?item=%3Cbread%3E&count=3"
    call = {"kind": CLIENT, "attributes": attributes({"url.full": address})}
    parts = [
        Part(
            1,
            0,
            "POST /orders",
            0,
            20,
            more=served("/orders", 200, "POST", **{"shop.tier": "gold"}),
        ),
        Part(2, 1, "ask the warehouse", 2, 16, more=call),
        Part(3, 2, "GET /stock", 3, 15, "warehouse", served("/stock", 200)),
        Part(4, 3, "SELECT", 5, 13, "warehouse", sql),
        Part(5, 1, "write a note", 2, 6, "notes"),
    ]
    send(endpoints, ORDER, start, parts)
    output = {"level": "INFO", "number": 9}
    send_logs(
        endpoints, ORDER, start,
        [
            {"at": 1, "span": 1, "output": "an order came in", **output},
            {"at": 14, "span": 3, "output": "the stock is low", "level": "WARN", "number": 13,
             "attributes": {"item": "bread", "left": 2}},
        ],
    )  # fmt: skip


def failure(endpoints: Endpoints, start: int) -> None:
    """A 500 with an exception and its stack, linked to ORDER's third span."""
    stack = {"exception__type": "KeyError", "exception__stacktrace": STACK}
    broken = {
        "status": FAILED,
        "events": [event("exception", start + 4 * MS, **stack)],
        "links": [Span.Link(trace_id=bytes.fromhex(ORDER), span_id=span_id(3))],
    }
    parts = [
        Part(1, 0, "GET /carts", 0, 6, more={**served("/carts", 500), "status": FAILED}),
        Part(2, 1, "open the cart", 1, 5, more=broken),
    ]
    send(endpoints, FAILURE, start, parts)
    record = {"at": 4, "span": 2, "output": "the cart is gone", "level": "ERROR", "number": 17}
    send_logs(endpoints, FAILURE, start, [record])


def slow(endpoints: Endpoints, start: int) -> None:
    """800 ms, degraded."""
    observatory = served("/orders", 200, "POST", **{"vitrine.ranking.degraded": True})
    send(endpoints, SLOW, start, [Part(1, 0, "POST /orders", 0, 800, more=observatory)])


def wide(endpoints: Endpoints, start: int) -> None:
    """A span with thousands below it."""
    parts = [Part(1, 0, "POST /import", 0, WIDE_SPANS, more=served("/import", 201, "POST"))]
    parts += [
        Part(number, 1, f"row {number}", number - 2, number - 1.5, "warehouse")
        for number in range(2, WIDE_SPANS + 1)
    ]
    send(endpoints, WIDE, start, parts)


def hostile(endpoints: Endpoints, start: int) -> None:
    """Markup, a turned direction of writing, a megabyte, bytes that are no text."""
    given = attributes({"shop.note": SCRIPT, KEY: MARKUP, "shop.file": BIDI, "shop.long": LONG})
    broken = span(
        "broken name",
        trace_id=bytes.fromhex(HOSTILE),
        span_id=span_id(2),
        parent_span_id=span_id(1),
        start_time_unix_nano=start + MS,
        end_time_unix_nano=start + 2 * MS,
        attributes=attributes({"shop.bytes": b"\xff\xfe", "shop.control": "a\x00b\x1b[31m"}),
    )
    linked = Span.Link(
        trace_id=b"\x01" * 16, span_id=b"\x02" * 8, attributes=attributes({"k": MARKUP})
    )
    root = {
        "kind": SERVER,
        "attributes": given,
        "events": [event(MARKUP, start + MS, exception__stacktrace=SCRIPT)],
        "links": [linked],
        "status": Status(code=Status.STATUS_CODE_ERROR, message=SCRIPT),
    }
    send(endpoints, HOSTILE, start, [Part(1, 0, MARKUP, 0, 3, f"evil{SCRIPT}", root)])
    message = request("traces", [broken], {"service.name": "\u202elive"}).SerializeToString()
    # Protobuf's own library won't write what is no UTF-8; anybody else may.
    post(endpoints, "traces", message.replace(b"broken name", b"broken\xff\xfeame"))
    record = {"at": 1, "span": 1, "output": MARKUP + SCRIPT, "level": "INFO"}
    observatory = {"number": 9, "attributes": {KEY: SCRIPT}}
    send_logs(endpoints, HOSTILE, start, [record | observatory])
