"""The Collector's configuration: validated by the binary, and by what needs none."""

import subprocess
from pathlib import Path

import pytest
import yaml

from collector.merging import STRICT, merged
from tests.cases import cases
from tests.stack.collector_process import BACKENDS, CORE, REDACTION_STRICT, config

NOT_UPSTREAM = {"signoz", "azure-monitor"}
"""Made of parts that the upstream build does not have."""
TOGETHER = {"fan-out": ("clickhouse", "otlp", "fan-out")}
NAMES = sorted(each.stem for each in BACKENDS.glob("*.yaml"))
PARTS = ("receivers", "processors", "exporters", "connectors")
MANIFEST = CORE.parent / "collector" / "manifest.yaml"


def files(name: str) -> tuple[str, ...]:
    return TOGETHER.get(name, (name,))


UPSTREAM = [files(each) for each in NAMES if each not in NOT_UPSTREAM]


@pytest.mark.parametrize("names", [(), (REDACTION_STRICT,), *UPSTREAM])
def test_the_binary_takes_it(otelcol: Path, tmp_path: Path, names: tuple[str | Path, ...]) -> None:
    command = [str(otelcol), "validate", *config(*names)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_backends_for_different_signals_go_together(otelcol: Path, tmp_path: Path) -> None:
    command = [str(otelcol), "validate", *config("prometheus", "jaeger")]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    pipelines = merged("prometheus", "jaeger")["service"]["pipelines"]
    assert pipelines["metrics/out"]["exporters"] == ["prometheus"]
    assert pipelines["traces/out"]["exporters"] == ["otlp/jaeger"]


@cases("name", NAMES)
def test_every_part_is_defined_and_every_pipeline_comes_to_an_end(name: str) -> None:
    whole = merged(*files(name))
    connectors = set(whole["connectors"])
    sides: dict[str, set[str]] = {"receivers": set(), "exporters": set()}
    for each in whole["service"]["pipelines"].values():
        assert each["receivers"]
        assert each["exporters"]
        assert set(each.get("processors", ())) <= set(whole["processors"])
        assert set(each["receivers"]) <= set(whole["receivers"]) | connectors
        assert set(each["exporters"]) <= set(whole["exporters"]) | connectors
        for side, used in sides.items():
            used.update(each[side])
    assert connectors <= sides["receivers"] & sides["exporters"]  # none leads nowhere
    assert set(whole["service"]["extensions"]) == set(whole["extensions"])


@cases("name", NAMES)
def test_a_backend_gets_what_it_is_for_and_its_queue_outlives_the_process(name: str) -> None:
    whole, core = merged(*files(name)), merged()
    out = {each for each in core["service"]["pipelines"] if each.endswith("/out")}
    changed = {
        each
        for each in out
        if whole["service"]["pipelines"][each] != core["service"]["pipelines"][each]
    }
    assert changed
    for each in changed:
        for exporter in set(whole["service"]["pipelines"][each]["exporters"]) - WITHOUT_QUEUE:
            queue = whole["exporters"][exporter]["sending_queue"]
            assert queue["storage"] == "file_storage"
            assert (queue["sizer"], queue["queue_size"]) == ("bytes", SIZE)
            assert each != "traces/out" or queue["block_on_overflow"]
            assert exporter in BY_ITSELF or queue["batch"]["sizer"] == "bytes"


SIZE = "${env:COLLECTOR_QUEUE_BYTES:-268435456}"
BY_ITSELF = {"azuremonitor"}
"""Its client gathers what it sends."""
WITHOUT_QUEUE = {"prometheus", "metadataexporter"}
"""One is asked, one writes names of attributes, which come again."""


@cases("name", NAMES)
def test_a_backend_leaves_the_way_in_as_it_is(name: str) -> None:
    """Lists replace, so a backend that adds a receiver has to repeat those of the core."""
    whole = merged(*files(name))["service"]["pipelines"]
    for each, pipeline in merged()["service"]["pipelines"].items():
        if each.endswith("/in"):
            assert set(pipeline["receivers"]) <= set(whole[each]["receivers"])
            assert pipeline["processors"] == whole[each]["processors"]


def test_strict_redaction_adds_to_the_core_and_keeps_its_order() -> None:
    core, strict = (merged(*names)["service"]["pipelines"] for names in ((), (STRICT,)))
    added = {"transform/expose", "transform/restore"}
    for name, pipeline in core.items():
        processors = strict[name].get("processors", [])
        assert added <= set(processors) or not name.endswith("/in")
        assert [each for each in processors if each not in added] == pipeline.get("processors", [])


def test_sampling_sees_whole_traces_and_metrics_see_every_span() -> None:
    pipelines = merged()["service"]["pipelines"]
    assert "spanmetrics" in pipelines["traces/in"]["exporters"]
    assert "tail_sampling" not in pipelines["traces/in"]["processors"]
    assert pipelines["traces/sampling"]["processors"] == ["tail_sampling"]
    for each in ("traces/in", "metrics/in", "logs/in"):
        assert pipelines[each]["processors"][0] == "memory_limiter"
        assert "redaction" in pipelines[each]["processors"]


@cases("name", [None, *NAMES])
def test_nothing_listens_on_all_addresses_and_no_secret_has_a_default(name: str | None) -> None:
    text = (BACKENDS / f"{name}.yaml" if name else CORE).read_text()
    assert "0.0.0.0" not in text
    for variable in ("PASSWORD", "TOKEN", "KEY", "CONNECTION_STRING", "DSN"):
        for line in text.splitlines():
            if f"{variable}:-" in line:
                assert f"{variable}:-}}" in line or f"{variable}:-none}}" in line, line


def test_the_manifest_has_the_parts_that_are_used_and_no_others() -> None:
    used = {kind: set(merged()[kind]) for kind in PARTS}
    for name in set(NAMES) - NOT_UPSTREAM:
        for kind in PARTS:
            used[kind] |= set(merged(*files(name))[kind])
    manifest = yaml.safe_load(MANIFEST.read_text())
    for kind in PARTS:
        types = {each.partition("/")[0].replace("_", "") for each in used[kind]}
        built = {_type(each["gomod"], kind) for each in manifest[kind]}
        assert built == types


def _type(module: str, kind: str) -> str:
    """As configurations call it, without underscores."""
    return module.partition(" ")[0].rpartition("/")[2].removesuffix(kind[:-1])
