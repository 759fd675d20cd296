"""Sending: the library's OTLP exporters, chosen by the standard variables, and one word when the
collector is away.

OTEL_EXPORTER_OTLP_PROTOCOL (`grpc`, or `http/protobuf`), OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS,
_TIMEOUT, _COMPRESSION … and their forms for one signal are the library's; OTEL_TRACES_EXPORTER,
OTEL_METRICS_EXPORTER and OTEL_LOGS_EXPORTER can be `otlp` or `none`.
"""

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_logs
from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc_metrics
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_traces
from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_logs
from opentelemetry.exporter.otlp.proto.http import metric_exporter as http_metrics
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_traces
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

from app.telemetry import encoding, export_errors
from app.telemetry import vocabulary as v

TIMEOUT_SECONDS = 2.0
"""How long one batch may take, where OTEL_EXPORTER_OTLP_TIMEOUT does not say. It bounds the end."""
SIGNALS = ("TRACES", "METRICS", "LOGS")
PROTOCOLS: dict[str, tuple[Callable[..., Any], ...]] = {
    "grpc": (
        grpc_traces.OTLPSpanExporter, grpc_metrics.OTLPMetricExporter, grpc_logs.OTLPLogExporter,
    ),
    "http/protobuf": (
        http_traces.OTLPSpanExporter, http_metrics.OTLPMetricExporter, http_logs.OTLPLogExporter,
    ),
}  # fmt: skip
log = logging.getLogger(__name__)


class Delivery:
    """Knows whether the collector takes what is sent, and says so when that changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away: set[int] = set()
        self._lost: Counter[str] = Counter()

    def observe_lost(self, _: CallbackOptions) -> Iterable[Observation]:
        """What the collector did not take: the SDK counts a refusal over HTTP as delivered."""
        return [Observation(self._lost[each], {v.SIGNAL: each}) for each in v.SIGNAL.values]

    def watched(self, exporter: Any, signal: str = "traces") -> Any:
        """The same exporter; its results are heard here."""
        export: Callable[..., Any] = exporter.export

        def heard(*batch: Any, **options: Any) -> Any:
            delivered = False
            export_errors.forget()
            try:
                result = export(*batch, **options)
                delivered = result.name == "SUCCESS"
            finally:
                self._hear(id(exporter), signal, delivered=delivered)
                if not delivered:
                    self._lost[signal] += len(batch[0]) if signal != "metrics" else 1
            return result

        exporter.export = heard
        return exporter

    def _hear(self, exporter: int, signal: str, *, delivered: bool) -> None:
        """One word when the first signal is not taken, another when all are again."""
        with self._lock:
            before = len(self._away)
            (self._away.discard if delivered else self._away.add)(exporter)
            after = len(self._away)
        if before and not after:
            log.info("the collector takes telemetry again")
        elif after and not before:
            log.warning(
                "the collector does not take telemetry (%s to %s: %s); the service goes on without "
                "it, and what does not fit the queues is dropped and counted. "
                "OTEL_EXPORTER_OTLP_ENDPOINT says where it goes, VITRINE_TELEMETRY__ENABLED=false "
                "turns telemetry off",
                signal,
                endpoint_of(signal.upper()),
                export_errors.last_error(),
            )


@dataclass(frozen=True, slots=True)
class Exporters:
    """Where each signal goes; None: nowhere."""

    spans: SpanExporter | None
    metrics: MetricExporter | None
    logs: LogRecordExporter | None
    delivery: Delivery | None = None


def otlp() -> Exporters:
    """Exporters as the environment wants them."""
    encoding.use_in(grpc_traces, http_traces, grpc_logs, http_logs)
    export_errors.listen_to_grpc()
    delivery = Delivery()
    spans, metrics, logs = (
        delivery.watched(_exporter(signal, place), signal.lower()) if _wanted(signal) else None
        for place, signal in enumerate(SIGNALS)
    )
    return Exporters(spans, metrics, logs, delivery)


def _wanted(signal: str) -> bool:
    return os.environ.get(f"OTEL_{signal}_EXPORTER") != "none"


def _exporter(signal: str, place: int) -> Any:
    protocol, options = protocol_of(signal), dict[str, Any]()
    if not _otlp_setting(signal, "TIMEOUT"):
        options["timeout"] = TIMEOUT_SECONDS
    if protocol != "grpc" and not any("CREDENTIAL_PROVIDER" in name for name in os.environ):
        options["session"] = export_errors.Session()
    if protocol == "grpc" and _otlp_setting(signal, "COMPRESSION") == "none":
        options["compression"] = grpc.Compression.NoCompression  # the library knows only gzip
    return PROTOCOLS[protocol][place](**options)


def protocol_of(signal: str) -> str:
    """How a signal is sent: one of PROTOCOLS."""
    return _otlp_setting(signal, "PROTOCOL") or "grpc"


def endpoint_of(signal: str) -> str:
    """Where a signal is sent, without credentials."""
    own, base = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    grpc_spoken = protocol_of(signal) == "grpc"
    address = os.environ.get(base) or f"http://localhost:{4317 if grpc_spoken else 4318}"
    if not grpc_spoken:
        address = f"{address.removesuffix('/')}/v1/{signal.lower()}"
    address = os.environ.get(own) or address
    return re.sub(r"(?<=//)[^/@]*@|[?#].*", "", address)


def _otlp_setting(signal: str, name: str) -> str | None:
    """A standard variable in its form for one signal, or for all."""
    environ = os.environ
    return environ.get(f"OTEL_EXPORTER_OTLP_{signal}_{name}") or environ.get(
        f"OTEL_EXPORTER_OTLP_{name}"
    )
