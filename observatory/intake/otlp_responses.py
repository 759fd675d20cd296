"""OTLP responses: partial success, and errors with retry information.

https://opentelemetry.io/docs/specs/otlp/
"""

from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from observatory.intake.receiver import RETRY_SECONDS, Receipt, Signal

RESPONSES: dict[str, Any] = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}


def response(signal: Signal, receipt: Receipt) -> Any:
    """The Export…ServiceResponse; partial success is set only if records were rejected."""
    answer = RESPONSES[signal.name]()
    if receipt.rejected:
        setattr(answer.partial_success, f"rejected_{signal.records}", receipt.rejected)
        answer.partial_success.error_message = receipt.reason
    return answer


def status(code: int, message: str, *, retryable: bool) -> Status:
    """A google.rpc.Status; with RetryInfo if `retryable` (a retry may succeed)."""
    answer = Status(code=code, message=message)
    if retryable:
        retry = RetryInfo(retry_delay=Duration(seconds=RETRY_SECONDS))
        answer.details.add().Pack(retry)
    return answer
