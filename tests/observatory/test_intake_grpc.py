"""OTLP's rules over gRPC, with calls that no exporter would make."""

import grpc
import pytest
from google.rpc import code_pb2

from tests.cases import cases
from tests.observatory.messages import NAMES, TABLES, fresh, record, request
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import call
from tests.waiting import TIMEOUT

SIGNALS = sorted(TABLES)
MOST = 8 << 20
COMPRESSIONS = [grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate]


@cases("compression", COMPRESSIONS)
@cases("signal", SIGNALS)
def test_a_message_is_stored(
    observatory: Observatory, signal: str, compression: grpc.Compression
) -> None:
    name = fresh()
    message = request(signal, [record(signal, name)]).SerializeToString()
    assert call(observatory, signal, message, compression).code == 0
    sql = f"SELECT count() FROM {TABLES[signal]} WHERE {NAMES[signal]} = '{name}'"
    assert observatory.value(sql) == 1


@cases("message", [b"\xff\xff\xff", b"\x0a\x05abc", b"\x0b", b"x" * 99])
@cases("signal", SIGNALS)
def test_what_can_not_be_decoded_is_an_invalid_argument(
    observatory: Observatory, signal: str, message: bytes
) -> None:
    answer = call(observatory, signal, message)
    assert answer.code == code_pb2.INVALID_ARGUMENT
    assert answer.content.code == code_pb2.INVALID_ARGUMENT
    assert not answer.content.details  # trying again would not help


@cases("compression", COMPRESSIONS[:2])
@cases("size", [MOST + 1, 4 * MOST])
def test_too_large_a_message_is_not_taken(
    observatory: Observatory, size: int, compression: grpc.Compression
) -> None:
    answer = call(observatory, "traces", b"\0" * size, compression)
    assert answer.code == code_pb2.RESOURCE_EXHAUSTED
    assert "grpc-status-details-bin" not in answer.headers  # nor would it here


@cases("signal", ["profiles", "Traces"])
def test_other_services_are_not_there(observatory: Observatory, signal: str) -> None:
    target = observatory.grpc.removeprefix("http://")
    with grpc.insecure_channel(target) as channel:
        export = channel.unary_unary(
            f"/opentelemetry.proto.collector.{signal}.v1development.Service/Export"
        )
        with pytest.raises(grpc.RpcError) as error:
            export(b"", timeout=TIMEOUT, wait_for_ready=True)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_the_next_call_is_answered_after_all_that(observatory: Observatory) -> None:
    target = observatory.grpc.removeprefix("http://")
    with grpc.insecure_channel(target) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        for message in (b"\xff", b"\0" * (MOST + 1)):
            with pytest.raises(grpc.RpcError):
                export(message, timeout=TIMEOUT)
        assert export(b"", timeout=TIMEOUT) == b""
