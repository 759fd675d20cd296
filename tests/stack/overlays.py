"""Files that are merged over the configuration, for what can't be set in the environment."""

import json
from pathlib import Path
from typing import Any

EXPORTERS = {
    "clickhouse": ("clickhouse", "clickhouse/traces"),
    "otlp": ("otlphttp", "otlphttp/traces"),
}
AT_ONCE = {"initial_interval": "200ms", "max_interval": "500ms"}


def impatient(folder: Path, backend: str, queue: int | None = None, **exporter: Any) -> Path:
    """Exporters retry soon; queues of so many bytes."""
    sending = {"sending_queue": _small(queue)} if queue else {}
    each = {"retry_on_failure": AT_ONCE, **sending, **exporter}
    exporters = dict.fromkeys(EXPORTERS[backend], each)
    return overlay(folder / "impatient.yaml", {"exporters": exporters})


def overlay(path: Path, config: Any) -> Path:
    """Written as JSON, which is YAML."""
    path.write_text(json.dumps(config))
    return path


def _small(queue: int) -> dict[str, Any]:
    return {"queue_size": queue, "batch": {"min_size": queue // 20}}
