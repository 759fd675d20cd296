"""A pytest plugin: upstream's own tests with quick_otel in place of the SDK's classes.

`upstream.py` runs it. The classes are exchanged before any test can import them; each test's
outcome is written to the file UPSTREAM_OUTCOMES, with whether it used quick_otel at all. What is
listed in known.tsv is expected to fail, and has to.
"""

import functools
import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common import _log_encoder, trace_encoder
from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_logs
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_spans
from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_logs
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_spans
from opentelemetry.sdk import _logs, metrics, trace
from opentelemetry.sdk._logs import _internal as logs_internal
from opentelemetry.sdk.metrics import _internal as metrics_internal

import quick_otel
from quick_otel import encoding, grpc, http
from quick_otel import logs as quick_logs
from quick_otel import metrics as quick_metrics
from quick_otel import trace as quick_trace

KNOWN = {
    test: reason
    for line in (Path(__file__).parent / "known.tsv").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
    for test, reason in [line.split("\t")]
}
OUTCOMES = Path(os.environ.get("UPSTREAM_OUTCOMES", os.devnull))
used = 0


def _counted(holder: Any, name: str) -> None:
    """Note that the test that is running has used this."""
    function = getattr(holder, name)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        global used  # noqa: PLW0603 - one test runs at a time
        used += 1
        return function(*args, **options)

    setattr(holder, name, call)


def _exchange() -> None:
    for holder, names in (
        (encoding, "encode_spans encode_logs"),
        (grpc, "encode_spans encode_logs"),
        (http, "encode_spans encode_logs"),
        (quick_trace.QuickSpan, "__init__"),
        (quick_trace.TracerProvider, "__init__"),
        (quick_logs.QuickRecord, "__post_init__"),
        (quick_logs.QuickLogger, "emit"),
        (quick_logs.LoggerProvider, "__init__"),
        (quick_metrics.MeterProvider, "__init__"),
        (quick_metrics.QuickCounter, "add"),
        (quick_metrics.QuickUpDownCounter, "add"),
        (quick_metrics.QuickHistogram, "record"),
        (grpc.OTLPSpanExporter, "__init__"),
        (grpc.OTLPLogExporter, "__init__"),
        (http.OTLPSpanExporter, "__init__"),
        (http.OTLPLogExporter, "__init__"),
    ):
        for name in names.split():
            _counted(holder, name)
    for place, name, ours in (
        (trace, "TracerProvider", quick_otel.TracerProvider),
        (trace, "_Span", quick_trace.QuickSpan),
        (metrics, "MeterProvider", quick_otel.MeterProvider),
        (metrics_internal, "MeterProvider", quick_otel.MeterProvider),
        (_logs, "LoggerProvider", quick_otel.LoggerProvider),
        (logs_internal, "LoggerProvider", quick_otel.LoggerProvider),
        (_logs, "ReadWriteLogRecord", quick_logs.QuickRecord),
        (trace_encoder, "encode_spans", encoding.encode_spans),
        (_log_encoder, "encode_logs", encoding.encode_logs),
        (grpc_spans, "OTLPSpanExporter", grpc.OTLPSpanExporter),
        (grpc_logs, "OTLPLogExporter", grpc.OTLPLogExporter),
        (http_spans, "OTLPSpanExporter", http.OTLPSpanExporter),
        (http_logs, "OTLPLogExporter", http.OTLPLogExporter),
    ):
        setattr(place, name, ours)


_reload = importlib.reload


def _keep(module: Any) -> Any:
    """Some tests reload a module to read the environment again: that would bring theirs back."""
    return module if module.__name__ == "opentelemetry.sdk.trace" else _reload(module)


if os.environ.get("UPSTREAM_SDK") != "stock":
    _exchange()
    importlib.reload = _keep


def _name(item: pytest.Item) -> str:
    return item.nodeid.rpartition("/")[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        reason = KNOWN.get(_name(item))
        if reason is not None and "UPSTREAM_BARE" not in os.environ:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def pytest_runtest_setup() -> None:
    global used  # noqa: PLW0603 - one test runs at a time
    used = 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    report = yield
    if call.when == "call":
        outcome = {"test": _name(item), "outcome": report.outcome, "used": used}
        with OUTCOMES.open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome) + "\n")
    return report
