"""The commands `train` and `evaluate`: what they say about the rows that they read."""

from pathlib import Path

from app.model.judged import seed_queries
from tests.model.test_training import write
from tests.test_cli import vitrine

QUIET = {"VITRINE_TELEMETRY__ENABLED": "false"}
FOREIGN = '{"text": "tides", "relevance": {"no-such-document": 1}, "split": "test"}\n'


def test_evaluate_says_what_it_does_not_use(seed_data: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.jsonl", seed_queries("test")[:12], "test")
    write(file, seed_queries("tune")[:5], "tune")
    with file.open("a") as more:
        more.write(FOREIGN + "{oops\n")
    done = vitrine(seed_data, "evaluate", "--judgements", str(file), **QUIET)
    assert done.exit_code == 0, done.stderr
    assert "Ranking" in done.stdout
    said = " ".join(done.stderr.split())
    assert "12 queries of the split test are measured, 5 of the split tune set aside" in said
    assert "not used: 1 unknown-document, 1 malformed" in said
