"""Where telemetry goes: the OTLP exporters that the standard variables choose, with one log line
when the collector goes away and one when it is back.

OTEL_EXPORTER_OTLP_PROTOCOL (`grpc`, or `http/protobuf`), OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS,
_TIMEOUT, _COMPRESSION … and their forms for one signal are the library's; OTEL_TRACES_EXPORTER,
OTEL_METRICS_EXPORTER and OTEL_LOGS_EXPORTER can be `otlp` or `none`.
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

TIMEOUT_SECONDS = 2.0
"""How long one batch may take, where OTEL_EXPORTER_OTLP_TIMEOUT does not say; it bounds the end."""
SIGNALS = ("traces", "metrics", "logs")
Protocols = dict[str, dict[str, type[Any]]]
"""Classes of exporters, by protocol and signal."""
PROTOCOLS: Protocols = {
    "grpc": {"traces": GrpcSpans, "metrics": GrpcMetrics, "logs": GrpcLogs},
    "http/protobuf": {"traces": HttpSpans, "metrics": HttpMetrics, "logs": HttpLogs},
}
log = logging.getLogger(__name__)


class Delivery:
    """Whether the collector accepts what is sent; logs when that changes, counts what is lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: set[int] = set()
        self.lost: Counter[str] = Counter()
        """Items by signal: the SDK counts a refusal over HTTP as delivered."""

    def report(self, exporter: object, signal: str, items: int, *, delivered: bool) -> None:
        """An exporter has tried to send a batch, in the current thread."""
        with self._lock:
            before = len(self._refused)
            (self._refused.discard if delivered else self._refused.add)(id(exporter))
            after = len(self._refused)
            if not delivered:
                self.lost[signal] += items
        if before and not after:
            log.info("the collector accepts telemetry again")
        elif after and not before:
            log.warning(
                "the collector does not accept telemetry (%s to %s: %s); the service goes on "
                "without it, and what does not fit the queues is dropped and counted. "
                "OTEL_EXPORTER_OTLP_ENDPOINT says where it goes",
                signal,
                endpoint_of(signal),
                export_errors.last_error(),
            )


def reporting(kind: type[Any], delivery: Delivery, signal: str) -> type[Any]:
    """A class of exporters like `kind` that also reports each batch."""

    class Reporting(kind):  # type: ignore[misc]
        def export(self, batch: Any, *args: Any, **options: Any) -> Any:
            delivered = False
            export_errors.forget()
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
    """Where each signal goes; None: nowhere."""

    spans: SpanExporter | None
    metrics: MetricExporter | None
    logs: LogRecordExporter | None
    delivery: Delivery | None = None


def otlp(protocols: Protocols = PROTOCOLS) -> Exporters:
    """Exporters as the environment, which `environment.check` has checked, wants them."""
    export_errors.listen_to_grpc()
    delivery = Delivery()
    spans, metrics, logs = (
        _exporter(signal, protocols, delivery) if _is_wanted(signal) else None for signal in SIGNALS
    )
    return Exporters(spans, metrics, logs, delivery)


def _is_wanted(signal: str) -> bool:
    return os.environ.get(f"OTEL_{signal.upper()}_EXPORTER") != "none"


def _exporter(signal: str, kinds: Protocols, delivery: Delivery) -> Any:
    protocol, options = protocol_of(signal), dict[str, Any]()
    if not _setting(signal, "TIMEOUT"):
        options["timeout"] = TIMEOUT_SECONDS
    if protocol != "grpc" and not any("CREDENTIAL_PROVIDER" in name for name in os.environ):
        options["session"] = export_errors.Session()
    if protocol == "grpc" and _setting(signal, "COMPRESSION") == "none":
        options["compression"] = grpc.Compression.NoCompression  # the library knows only gzip
    make: Callable[..., Any] = reporting(kinds[protocol][signal], delivery, signal)
    return make(**options)


def protocol_of(signal: str) -> str:
    """How a signal is sent: one of PROTOCOLS."""
    return _setting(signal, "PROTOCOL") or "grpc"


def endpoint_of(signal: str) -> str:
    """Where a signal is sent, without credentials."""
    over_grpc = protocol_of(signal) == "grpc"
    default = f"http://localhost:{4317 if over_grpc else 4318}"
    address = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or default
    if not over_grpc:
        address = f"{address.removesuffix('/')}/v1/{signal}"
    address = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT") or address
    return re.sub(r"(?<=//)[^/@]*@|[?#].*", "", address)


def _setting(signal: str, name: str) -> str | None:
    """A standard variable in its form for one signal, or for all."""
    environ = os.environ
    return environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}") or environ.get(
        f"OTEL_EXPORTER_OTLP_{name}"
    )
