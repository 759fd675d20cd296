"""The commands `train`, `evaluate` and `calibrate`: what they say about the rows that they read."""

import json
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from app import command_tracking
from app.model.judged import seed_queries
from app.model.mlflow_runs import Run
from app.model.registry import Registry
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


def test_calibrate_learns_from_judgements_of_ones_own(seed_data: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.jsonl", seed_queries("tune"), "tune")
    made = tmp_path / "relevance.json"
    done = vitrine(seed_data, "calibrate", "--judgements", str(file), "--to", str(made), **QUIET)
    assert done.exit_code == 0, done.stderr
    assert "queries to train, 0 to evaluate" in done.stderr
    found = json.loads(made.read_bytes())
    shipped = json.loads(files("app.model").joinpath("relevance-fusion.json").read_bytes())
    assert found["model"] == shipped["model"]
    np.testing.assert_allclose(found["coefficients"], shipped["coefficients"], rtol=0.05)


@pytest.mark.lasting
def test_a_holdout_is_named_and_its_rejected_rows_are_beside_it(
    seed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = list[Run]()
    monkeypatch.setattr(command_tracking, "record", runs.append)
    file = write(tmp_path / "mine.jsonl", seed_queries("tune"), "tune")
    held = write(tmp_path / "held.jsonl", seed_queries("test"), "test")
    with file.open("a") as more, held.open("a") as more_held:
        more.write("{oops\n")
        more_held.write("\n[]\n")
    precious = tmp_path / "mine.jsonl.rejects.jsonl"
    precious.write_text("precious\n")
    command = ("train", "--force", "--judgements", str(file), "--holdout", str(held))
    done = vitrine(seed_data, *command, MLFLOW_TRACKING_URI="http://127.0.0.1", **QUIET)
    assert done.exit_code == 0, done.stderr
    assert precious.read_text() == "precious\n"
    assert f"{precious} is no file of rejected rows" in done.stderr
    (reject,) = (tmp_path / "held.jsonl.rejects.jsonl").read_text().splitlines()
    number = len(seed_queries("test")) + 2
    assert json.loads(reject) | {"line": number, "reason": "malformed"} == json.loads(reject)
    digest = sha256(held.read_bytes()).hexdigest()
    card = Registry(seed_data / "models").card(runs[0].name)
    expected = {"source": "jsonl", "name": "held.jsonl", "sha256": digest}
    assert card["data"]["holdout"] == expected
    assert f"| holdout | held.jsonl, SHA-256 {digest} |" in runs[0].artefacts["card.md"].decode()
    assert {"holdout": "held.jsonl", "holdout_sha256": digest}.items() <= runs[0].parameters.items()
