"""OTLP exporters by the standard variables, with one log record when the collector becomes
unavailable and one when it is available again.

The library reads OTEL_EXPORTER_OTLP_PROTOCOL (`grpc` or `http/protobuf`), _ENDPOINT, _HEADERS,
_TIMEOUT (of all tries of a batch; the end of the process does not wait for it: `Kit.close`),
_COMPRESSION … and their forms for one signal. OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER and
OTEL_LOGS_EXPORTER can be `otlp` or `none`.
"""

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetrics,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetrics,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

from . import export_errors

SIGNALS = ("traces", "metrics", "logs")
Protocols = dict[str, dict[str, type[Any]]]
"""Exporter classes by protocol and signal."""
PROTOCOLS: Protocols = {
    "grpc": {"traces": GrpcSpans, "metrics": GrpcMetrics, "logs": GrpcLogs},
    "http/protobuf": {"traces": HttpSpans, "metrics": HttpMetrics, "logs": HttpLogs},
}
log = logging.getLogger(__name__)


class Delivery:
    """Tracks whether the collector accepts telemetry: logs changes and counts lost items."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: set[int] = set()
        self.lost: Counter[str] = Counter()
        """Lost items by signal. (The SDK's metrics count items refused over HTTP as delivered.)"""
        self.unconfirmed: Counter[str] = Counter()
        """Items by signal that were sent without a response in time: they may have been stored."""

    def report(self, exporter: object, signal: str, items: int, *, delivered: bool) -> None:
        """Record the result of a batch that an exporter has sent in the current thread."""
        counts = self.unconfirmed if export_errors.is_unconfirmed() else self.lost
        with self._lock:
            before = len(self._refused)
            if delivered:
                self._refused.discard(id(exporter))
            else:
                self._refused.add(id(exporter))
                counts[signal] += items
            after = len(self._refused)
        if before and not after:
            log.info("the collector accepts telemetry again")
        elif after and not before:
            log.warning(
                "the collector does not accept telemetry (%s to %s: %s); the service continues, "
                "and batches that are not accepted in time are dropped and counted. "
                "OTEL_EXPORTER_OTLP_ENDPOINT sets the address",
                signal,
                endpoint_of(signal),
                export_errors.last_error(),
            )


def reporting(kind: type[Any], delivery: Delivery, signal: str) -> type[Any]:
    """A subclass of the exporter class `kind` that reports each batch to `delivery`."""

    class Reporting(kind):  # type: ignore[misc]
        def export(self, batch: Any, *args: Any, **options: Any) -> Any:
            delivered = False
            export_errors.reset()
            try:
                result = super().export(batch, *args, **options)
                delivered = result.name == "SUCCESS"
            finally:
                items = len(batch) if signal != "metrics" else 1
                delivery.report(self, signal, items, delivered=delivered)
            return result

    return Reporting


@dataclass(frozen=True, slots=True)
class Exporters:
    """The exporter of each signal; None: not exported. `numbered`: exports carry numbers."""

    spans: SpanExporter | None
    metrics: MetricExporter | None
    logs: LogRecordExporter | None
    delivery: Delivery | None = None
    numbered: bool = False


def otlp(protocols: Protocols = PROTOCOLS) -> Exporters:
    """Exporters by the environment variables, which `environment.check` must have checked."""
    export_errors.capture_grpc_errors()
    delivery = Delivery()
    spans, metrics, logs = (
        _exporter(signal, protocols, delivery) if _is_wanted(signal) else None for signal in SIGNALS
    )
    return Exporters(spans, metrics, logs, delivery, numbered=True)


def _is_wanted(signal: str) -> bool:
    return os.environ.get(f"OTEL_{signal.upper()}_EXPORTER") != "none"


def _exporter(signal: str, kinds: Protocols, delivery: Delivery) -> Any:
    protocol, options = protocol_of(signal), dict[str, Any]()
    if protocol != "grpc" and not any("CREDENTIAL_PROVIDER" in name for name in os.environ):
        options["session"] = export_errors.Session()
    if protocol == "grpc" and _setting(signal, "COMPRESSION") == "none":
        options["compression"] = grpc.Compression.NoCompression  # the library reads only gzip
    make: Callable[..., Any] = reporting(kinds[protocol][signal], delivery, signal)
    return make(**options)


def protocol_of(signal: str) -> str:
    """The protocol of a signal: a key of PROTOCOLS."""
    return _setting(signal, "PROTOCOL") or "grpc"


def endpoint_of(signal: str) -> str:
    """The address that a signal is sent to, without credentials."""
    over_grpc = protocol_of(signal) == "grpc"
    default = f"http://localhost:{4317 if over_grpc else 4318}"
    address = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or default
    if not over_grpc:
        address = f"{address.removesuffix('/')}/v1/{signal}"
    address = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT") or address
    return re.sub(r"(?<=//)[^/@]*@|[?#].*", "", address)


def _setting(signal: str, name: str) -> str | None:
    """A standard variable: for this signal, or for all signals."""
    environ = os.environ
    return environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}") or environ.get(
        f"OTEL_EXPORTER_OTLP_{name}"
    )
