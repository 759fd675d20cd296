"""The OTLP exporters over HTTP, with the quick encoder."""

import logging
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.http import _log_exporter, trace_exporter
from opentelemetry.exporter.otlp.proto.http._common import RequestPayloadTooLargeError
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE

from .encoding import encode_logs, encode_spans


class OTLPSpanExporter(trace_exporter.OTLPSpanExporter):
    """The library's exporter of the same name; takes the same arguments."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        if self._shutdown:
            return super().export(spans)  # which warns
        sent = _sent(self, spans, encode_spans, "span", logging.getLogger(trace_exporter.__name__))
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE


class OTLPLogExporter(_log_exporter.OTLPLogExporter):
    """The library's exporter of the same name; takes the same arguments."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send a batch."""
        if self._shutdown:
            return super().export(batch)  # which warns
        # The library's logger filters messages about log exports, which would cause more exports.
        sent = _sent(self, batch, encode_logs, "logs", logging.getLogger(_log_exporter.__name__))
        return LogRecordExportResult.SUCCESS if sent else LogRecordExportResult.FAILURE


def _sent(exporter: Any, batch: Sequence[Any], encode: Any, kind: str, log: logging.Logger) -> bool:
    """A copy of the library's `export`, whose encoding step cannot be overridden on its own."""
    with exporter._metrics.export_operation(len(batch)) as result:
        try:
            request: Message = encode(batch)
            data = request.SerializePartialToString()
        except Exception as error:  # noqa: BLE001 - one bad batch must not end the exporter
            log.error("Failed to encode %s batch: %s", kind, error)  # noqa: TRY400
            result.error = error
            return False
        limit = exporter._max_request_size
        if 0 < limit < len(data):
            log.warning(
                "Dropping %s batch: serialized size %d bytes exceeds max_request_size %d bytes.",
                kind, len(data), limit,
            )  # fmt: skip
            result.error = RequestPayloadTooLargeError(
                f"Serialized {kind} request size {len(data)} bytes exceeds max_request_size "
                f"{limit} bytes."
            )
            return False
        answer = exporter._client.export(data)
        if not answer.success:
            result.error = answer.error
            if answer.status_code is not None:
                result.error_attrs = {HTTP_RESPONSE_STATUS_CODE: answer.status_code}
        return bool(answer.success)
