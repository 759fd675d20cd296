"""Any size of queue that makes sense is taken, alone or together with that of a batch."""

import pytest
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.settings import TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.delivery import Exporters
from app.telemetry.setup import Telemetry

SIZES = ("MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE", "SCHEDULE_DELAY")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("BSP", "BLRP"):
        for name in SIZES:
            monkeypatch.delenv(f"OTEL_{kind}_{name}", raising=False)


@pytest.mark.parametrize("kind", ["BSP", "BLRP"])
@pytest.mark.parametrize(
    "sizes",
    [("64", None), ("64", "64"), ("64", "1"), (None, "9000")],
    ids=["small queue", "small", "small batch", "large batch"],
)
def test_sizes(
    kind: str, sizes: tuple[str | None, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in zip(SIZES, sizes, strict=False):
        if size is not None:
            monkeypatch.setenv(f"OTEL_{kind}_{name}", size)
    spans, records = InMemorySpanExporter(), InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    telemetry = Telemetry(TelemetrySettings(logs="off"), Exporters(spans, None, records))
    try:
        telemetry.traces.get_tracer(v.SCOPE).start_span("one").end()
        telemetry.logs.get_logger("here").emit(body="one")
    finally:
        telemetry.close()
    assert [span.name for span in spans.get_finished_spans()] == ["one"]
    assert [each.log_record.body for each in records.get_finished_logs()] == ["one"]
