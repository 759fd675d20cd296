"""The OTLP exporters over gRPC, with the quick encoder."""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.grpc import _log_exporter, trace_exporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

from .encoding import encode_logs, encode_spans


class OTLPSpanExporter(trace_exporter.OTLPSpanExporter):
    """The library's exporter of the same name; takes the same arguments."""

    def _translate_data(self, data: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
        return encode_spans(data)


class OTLPLogExporter(_log_exporter.OTLPLogExporter):
    """The library's exporter of the same name; takes the same arguments."""

    def _translate_data(self, data: Sequence[ReadableLogRecord]) -> ExportLogsServiceRequest:
        return encode_logs(data)
