"""OTLP's rules over HTTP, with requests that no exporter would send."""

import gzip
import json
import zlib
from typing import Any

import httpx
from google.rpc import code_pb2

from tests.cases import cases
from tests.observatory.messages import NAMES, TABLES, fresh, record, request
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import JSON, PROTOBUF, otlp_json, post, read
from tests.waiting import TIMEOUT

SIGNALS = sorted(TABLES)
KINDS = (PROTOBUF, JSON)
MOST = 8 << 20
GARBAGE = {PROTOBUF: b"\xff\xff\xff", JSON: b'{"resourceSpans": [}'}


def packed(signal: str, kind: str, name: str) -> bytes:
    message = request(signal, [record(signal, name)])
    if kind == JSON:
        return json.dumps(otlp_json(message)).encode()
    return bytes(message.SerializeToString())


def stored(observatory: Observatory, signal: str, name: str) -> int:
    sql = f"SELECT count() FROM {TABLES[signal]} WHERE {NAMES[signal]} = '{name}'"
    return int(observatory.value(sql))


@cases("kind", KINDS)
@cases("signal", SIGNALS)
def test_success_is_an_answer_in_the_same_encoding(
    observatory: Observatory, signal: str, kind: str
) -> None:
    answer = httpx.post(
        f"{observatory.otlp}/v1/{signal}",
        content=packed(signal, kind, "same"),
        headers={"content-type": kind},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.content == (b"{}" if kind == JSON else b"")


@cases("kind", KINDS)
@cases("encoding", [None, "gzip"])
@cases("signal", SIGNALS)
def test_what_can_not_be_decoded_is_a_400_with_a_status(
    observatory: Observatory, signal: str, encoding: str | None, kind: str
) -> None:
    body = gzip.compress(GARBAGE[kind]) if encoding else GARBAGE[kind]
    answer = post(observatory, signal, body, kind, encoding)
    assert answer.code == 400
    assert answer.headers["content-type"] == kind
    assert answer.content.code == code_pb2.INVALID_ARGUMENT
    assert answer.content.message
    assert "retry-after" not in answer.headers


@cases("body", [b"\x0a\xff", b"\x0a\x05abc", b"\x08\x01"[:1], b"\x0b", b"x" * 99])
def test_protobuf_that_is_cut_or_odd_is_a_400(observatory: Observatory, body: bytes) -> None:
    assert post(observatory, "traces", body).code == 400


@cases("kind", ["", "text/plain", "application/grpc", "application/xml"])
def test_other_content_types_are_not_supported(observatory: Observatory, kind: str) -> None:
    answer = post(observatory, "traces", packed("traces", PROTOBUF, "odd"), kind)
    assert answer.code == 415
    assert PROTOBUF in answer.content.message


@cases("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"])
def test_a_content_type_may_have_parameters_and_capitals(
    observatory: Observatory, kind: str
) -> None:
    name = fresh()
    assert post(observatory, "logs", packed("logs", JSON, name), kind).code == 200
    assert stored(observatory, "logs", name) == 1


@cases("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x"])
def test_other_encodings_are_not_supported(observatory: Observatory, encoding: str) -> None:
    answer = post(observatory, "traces", b"", encoding=encoding)
    assert answer.code == 415
    assert "gzip" in answer.content.message


@cases("encoding", ["identity", "GZIP"])
def test_names_of_encodings_have_no_case(observatory: Observatory, encoding: str) -> None:
    name = fresh()
    body = packed("traces", PROTOBUF, name)
    body = body if encoding == "identity" else gzip.compress(body)
    assert post(observatory, "traces", body, encoding=encoding).code == 200
    assert stored(observatory, "traces", name) == 1


@cases("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
@cases("signal", SIGNALS)
def test_only_post_is_a_method(observatory: Observatory, signal: str, method: str) -> None:
    answer = httpx.request(method, f"{observatory.otlp}/v1/{signal}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@cases("path", ["/", "/v1", "/v1/profiles", "/v2/traces", "/v1/traces/x"])
def test_other_paths_are_not_there(observatory: Observatory, path: str) -> None:
    headers = {"content-type": PROTOBUF}
    answer = httpx.post(f"{observatory.otlp}{path}", headers=headers, content=b"")
    assert answer.status_code == 404


@cases("kind", KINDS)
@cases("encoding", [None, "gzip"])
@cases("size", [MOST + 1, 4 * MOST])
def test_too_large_a_message_is_a_413(
    observatory: Observatory, size: int, encoding: str | None, kind: str
) -> None:
    body = b" " * size
    answer = post(
        observatory, "traces", gzip.compress(body, 1) if encoding else body, kind, encoding
    )
    assert answer.code == 413
    assert f"{MOST:,}" in answer.content.message
    assert answer.headers["content-type"] == kind


def test_a_message_as_large_as_may_be_is_taken(observatory: Observatory) -> None:
    name = fresh()
    body = packed("traces", JSON, name)
    assert post(observatory, "traces", body + b" " * (MOST - len(body)), JSON).code == 200
    assert stored(observatory, "traces", name) == 1


@cases("cut", [0, 1, 9, 10, -9, -1])
def test_a_gzip_that_is_cut_off_is_a_400(observatory: Observatory, cut: int) -> None:
    whole = gzip.compress(packed("traces", PROTOBUF, "cut"))
    answer = post(observatory, "traces", whole[:cut], encoding="gzip")
    # Nothing at all is an empty gzip to some, and so an empty message.
    assert answer.code == 400 or not cut


@cases("flipped", [0, 2, -5, -1])
def test_a_damaged_gzip_is_a_400(observatory: Observatory, flipped: int) -> None:
    damaged = bytearray(gzip.compress(packed("traces", PROTOBUF, "damaged")))
    damaged[flipped] ^= 0xFF
    assert post(observatory, "traces", bytes(damaged), encoding="gzip").code == 400


@cases("trailing", [b"garbage", b"\0" * 8, b"\x1f\x8b"])
def test_a_gzip_with_something_behind_it_is_a_400(
    observatory: Observatory, trailing: bytes
) -> None:
    body = gzip.compress(packed("traces", PROTOBUF, "trailing")) + trailing
    assert post(observatory, "traces", body, encoding="gzip").code == 400


def test_a_gzip_of_several_members_is_read_to_its_end(observatory: Observatory) -> None:
    names = [fresh() for _ in range(3)]
    body = b"".join(gzip.compress(packed("traces", PROTOBUF, name)) for name in names)
    assert post(observatory, "traces", body, encoding="gzip").code == 200
    assert [stored(observatory, "traces", name) for name in names] == [1, 1, 1]


def test_several_members_are_no_way_round_the_bound(observatory: Observatory) -> None:
    body = gzip.compress(b" " * (MOST - 9)) + gzip.compress(b" " * 10)
    assert post(observatory, "traces", body, JSON, "gzip").code == 413


def test_a_gzip_of_very_many_empty_members_delays_no_other_request(
    observatory: Observatory,
) -> None:
    """It once took 41 s, and blocked every other request."""
    body = gzip.compress(b"") * 300_000
    answer = httpx.post(
        f"{observatory.otlp}/v1/traces",
        content=body,
        headers={"content-type": PROTOBUF, "content-encoding": "gzip"},
        timeout=TIMEOUT,
    )
    assert read("traces", answer).code in {200, 400, 413}


def test_deflate_in_place_of_gzip_is_a_400(observatory: Observatory) -> None:
    body: Any = zlib.compress(packed("traces", PROTOBUF, "deflate"))
    assert post(observatory, "traces", body, encoding="gzip").code == 400
