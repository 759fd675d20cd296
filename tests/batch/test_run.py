"""A run over a file: every row once, also after kills; each process a part of one trace."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.batch import run as run_module
from app.batch.rows import read_rows
from app.batch.run import BatchJob, run_batch
from app.catalogue.index import CatalogueIndex
from app.composition import open_catalogue, version_loader
from app.recommend.batch import (
    BatchRecommender,
    BatchRun,
    NotResumable,
    RowOutcome,
    RowReason,
)
from app.recommend.stages import ANSWER_ITEM, PROCESS_CHUNK, RUN_BATCH, StageObserver, Unobserved
from app.settings import Settings, TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.command import observed_command
from app.telemetry.kit import testing
from app.telemetry.kit.testing import Recorder
from tests.telemetry.receiver import Receiver
from tests.test_cli import environment, vitrine
from tests.waiting import TIMEOUT, until

CHUNK, COUNT = 20, 50
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def run(
    data: Path, source: Path, output: Path, stages: StageObserver | None = None, limit: int = 3
) -> BatchRun:
    with closing((catalogue := open_catalogue(data)).database):
        model = version_loader(Settings(data=data), catalogue)[0].built_in
        index = CatalogueIndex(catalogue.database, catalogue.models)
        recommender = BatchRecommender(index, model, Unobserved())
        rows = read_rows(source, limit)
        job = BatchJob(rows, output, recommender, catalogue.has_category)
        return run_batch(job, stages or Unobserved())


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in path.read_text().splitlines()]


@pytest.fixture(autouse=True)
def _short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "CHUNK", CHUNK)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two and a half chunks."""
    path = tmp_path / "queries.txt"
    path.write_text("".join(f"bread number {number}\n" for number in range(COUNT)))
    return path


def test_every_row_has_a_line_with_its_outcome(shelf_data: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "q.jsonl", tmp_path / "out.jsonl"
    rows = (
        {"query": "stale bread", "id": "first"}, {"query": "?!"}, {"query": ""}, {"oops": 1},
        {"query": "tide", "categories": ["nowhere"]}, {"query": "tide", "limit": 1},
    )  # fmt: skip
    source.write_text("".join(json.dumps(each) + "\n" for each in rows) + "{")
    done = run(shelf_data, source, output)
    found = lines(output)
    assert [each["row"] for each in found] == list(range(1, 8))
    assert [each["reason"] for each in found] == [
        None, "not-searchable", "invalid", "invalid", "invalid", None, "malformed",
    ]  # fmt: skip
    assert found[0]["id"] == "first"
    assert found[0]["results"][0]["document"]["id"] == "staling"
    assert len(found[5]["results"]) == 1
    assert "nowhere" in found[4]["detail"]
    assert done.total.outcomes == {
        RowOutcome.PROCESSED: 2, RowOutcome.DROPPED: 1, RowOutcome.QUARANTINED: 4,
    }  # fmt: skip


def test_a_run_continues_after_the_last_complete_line(
    shelf_data: Path, source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    assert run(shelf_data, source, output).resumed_after == 0
    whole = output.read_bytes()
    for cut in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1, len(whole)):
        output.write_bytes(whole[:cut])
        done = run(shelf_data, source, output)
        assert output.read_bytes() == whole
        assert done.resumed_after == whole[:cut].count(b"\n")
        assert done.total.rows == {None: COUNT}


def test_the_output_of_something_else_is_not_continued(
    shelf_data: Path, source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    run(shelf_data, source, output)
    whole, rows = output.read_bytes(), source.read_text()
    for other, number in (
        (rows.replace("number 49", "number 50"), 50),
        (rows.replace("number 4\n", "number 4, corrected\n"), 5),
        (rows.replace("bread number 7\n", ""), 8),
        (rows.replace("bread number 49\n", ""), 50),
    ):
        source.write_text(other)
        output.write_bytes(whole + b'{"row":')
        with pytest.raises(NotResumable, match=f"not of row {number} of the input"):
            run(shelf_data, source, output)
        assert output.read_bytes() == whole + b'{"row":', "nothing is cut off"
    for content in ("a: text\n", '{"row": 2, "reason": null}\n', '{"row": 1, "reason": "?"}\n'):
        output.write_text(content)
        with pytest.raises(NotResumable, match="line 1 of the output"):
            run(shelf_data, source, output)
        assert output.read_text() == content, "nothing is lost"
    output.write_text('{"precious": true}')
    with pytest.raises(NotResumable, match="no line of a batch"):
        run(shelf_data, source, output)
    assert output.read_text() == '{"precious": true}', "it only looks like an incomplete line"


def test_a_row_that_fails_is_quarantined(
    shelf_data: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = BatchRecommender._answer

    def fails_once(self: Any, index: Any, model: Any, query: Any, *rest: Any) -> Any:
        if query.text.endswith(" 7"):
            raise ZeroDivisionError("by zero")
        return answer(self, index, model, query, *rest)

    monkeypatch.setattr(BatchRecommender, "_answer", fails_once)
    done = run(shelf_data, source, tmp_path / "out.jsonl")
    assert done.total.rows == {None: COUNT - 1, RowReason.FAILED: 1}
    assert lines(tmp_path / "out.jsonl")[7]["detail"] == "ZeroDivisionError: by zero"


def test_a_run_is_a_trace_with_a_span_for_each_chunk(shelf_data: Path, tmp_path: Path) -> None:
    source, recorder = tmp_path / "q.jsonl", Recorder()
    texts = ["bread"] * CHUNK + ["?!", "tide"]
    rows = [{"query": text, "traceparent": CALLER * (text == "tide")} for text in texts]
    source.write_text("".join(json.dumps(each) + "\n" for each in rows))
    with observed_command(TelemetrySettings(), recorder.exporters()) as stages:
        run(shelf_data, source, tmp_path / "out.jsonl", stages)
    chunks = [each for each in recorder.spans if each.name == PROCESS_CHUNK]
    (whole,) = [each for each in recorder.spans if each.name == RUN_BATCH]
    assert [(each.attributes or {})[v.BATCH_SIZE] for each in chunks] == [CHUNK, 2]
    assert {each.parent and each.parent.span_id for each in chunks} == {whole.context.span_id}
    links = [f"{each.context.trace_id:x}" for chunk in chunks for each in chunk.links]
    assert links == [CALLER.split("-")[1]]
    assert (whole.attributes or {})[v.RESUMED_AFTER] == 0
    assert ANSWER_ITEM not in {each.name for each in recorder.spans}, "a file may have millions"
    counted: Any = recorder.measured()[v.BATCH_ROWS].data.data_points
    assert {tuple(each.attributes.values()): each.value for each in counted} == {
        ("processed",): CHUNK + 1, ("dropped", "not-searchable"): 1,
    }  # fmt: skip
    names = frozenset({RUN_BATCH, PROCESS_CHUNK, "SELECT"})
    assert testing.violations(recorder, v.VOCABULARY, names) == []


@pytest.mark.lasting
def test_killed_and_started_again_in_one_trace(shelf_data: Path, tmp_path: Path) -> None:
    """Two processes: the first is killed in the middle, the second does the rest."""
    source, output = tmp_path / "q.txt", tmp_path / "out.jsonl"
    count = 3_000
    source.write_text("".join(f"bread number {number}\n" for number in range(count)))
    command = [sys.executable, "-m", "app", "batch", str(source), "--to", str(output)]
    with Receiver() as receiver:
        variables = {
            "TRACEPARENT": CALLER, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT),
            "VITRINE_TELEMETRY__SHUTDOWN_SECONDS": str(TIMEOUT),
        }  # fmt: skip
        process = subprocess.Popen(
            command, env=environment(shelf_data, **variables), stderr=subprocess.PIPE
        )
        until(lambda: output.exists() and output.stat().st_size > 0 and receiver.spans != [])
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kept = output.read_bytes().count(b"\n")
        assert 0 < kept < count
        done = vitrine(shelf_data, *command[3:], **variables)
        assert done.exit_code == 0, done.stderr
        assert f"Continued after {kept:,} rows" in done.stderr
        assert f"{count:,} processed, 0 dropped, 0 quarantined" in done.stderr
        spans = receiver.spans
    assert [each["row"] for each in lines(output)] == list(range(1, count + 1))
    processes = {each.resource["process.pid"] for each in spans}
    assert len(processes) == 2
    assert {each.trace_id for each in spans if each.name == PROCESS_CHUNK} == {CALLER[3:35]}
    (whole,) = [each for each in spans if each.name == RUN_BATCH]
    assert whole.parent_id == CALLER[36:52]


def test_what_cannot_be_done_is_said(shelf_data: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "no.csv").write_text("text\na\n")
    (tmp_path / "bad.jsonl").write_text("{\n")
    (tmp_path / "other.jsonl").write_text("{\n")
    for arguments, message in (
        ((str(tmp_path / "no.csv"),), "no column query; it has: text"),
        ((str(tmp_path / "bad.jsonl"),), "No row could be processed"),
        ((str(source), "--to", str(tmp_path / "other.jsonl")), "Name another file than"),
        ((str(source), "--to", str(source)), "is the input. Name another file"),
    ):
        done = vitrine(shelf_data, "batch", *arguments, OTEL_SDK_DISABLED="true")
        assert done.exit_code == 1
        assert message in done.stderr
