"""An OpenTelemetry SDK for the hot path: drop-in providers and exporters.

`TracerProvider`, `MeterProvider` and `LoggerProvider` are subclasses of the SDK's and take the
same arguments; processors, readers, views, samplers and limits are the SDK's own. The OTLP
exporters are in `quick_otel.grpc` and `quick_otel.http`. Nothing of the SDK is patched.
"""

from .logs import LoggerProvider
from .metrics import MeterProvider
from .trace import TracerProvider

__all__ = ["LoggerProvider", "MeterProvider", "TracerProvider"]
