"""A real MLflow server receives runs of `train` and `evaluate`: parameters, metrics, artefacts."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.model.mlflow_runs import NotRecorded, Run, record
from tests.stack.backends import Backend, mlflow_server
from tests.telemetry.receiver import refused_port

RUN = Run(
    name="3-00c0ffee", kind="train", started=1_800_000_000.0,
    parameters={"champion": "fusion", "seed": 0, "long": "x" * 2_000},
    metrics={"ndcg.candidate": 0.79, "p.fusion": 0.04}, tags={"vitrine.gate": "worse"},
    artefacts={"card.md": b"# Model card"}, failed=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server(folder, "--artifacts-destination", folder / "artifacts") as running:
        yield running


def runs(mlflow: Backend, name: str) -> list[dict[str, Any]]:
    """The runs of an experiment, the newest first."""
    found = mlflow.get("/api/2.0/mlflow/experiments/get-by-name", experiment_name=name)
    wanted = {"experiment_ids": [found["experiment"]["experiment_id"]]}
    listed: list[dict[str, Any]] = mlflow.post("/api/2.0/mlflow/runs/search", wanted)["runs"]
    return listed


def pairs(listed: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in listed}


@pytest.mark.lasting
def test_a_run_is_recorded(mlflow: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.address)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "tests")
    address = record(RUN)
    record(RUN)
    first, second = runs(mlflow, "tests")
    assert {first["info"]["status"], second["info"]["status"]} == {"FAILED"}
    assert any(each["info"]["run_id"] in address for each in (first, second))
    data = first["data"]
    assert first["info"]["run_name"] == RUN.name
    assert pairs(data["metrics"]) == RUN.metrics
    assert pairs(data["params"])["champion"] == "fusion"
    assert len(pairs(data["params"])["long"]) == 500
    assert pairs(data["tags"])["vitrine.gate"] == "worse"
    listed = mlflow.get("/api/2.0/mlflow/artifacts/list", run_id=first["info"]["run_id"])
    assert [each["path"] for each in listed["files"]] == ["card.md"]


@pytest.mark.lasting
def test_an_evaluation_is_a_run(
    mlflow: Backend, monkeypatch: pytest.MonkeyPatch, seed_data: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.address)
    monkeypatch.setenv("VITRINE_DATA", str(seed_data))
    monkeypatch.setenv("VITRINE_TELEMETRY__ENABLED", "false")
    done = CliRunner().invoke(cli, ["evaluate"])
    assert done.exit_code == 0, done.output
    assert "recorded as a run of MLflow" in done.output
    (found,) = runs(mlflow, "vitrine")
    assert found["info"]["run_name"] == "evaluate fusion"
    assert pairs(found["data"]["metrics"])["ndcg.fusion"] > 0.7


def test_credentials_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@127.0.0.1:5000")
    refusing = httpx.MockTransport(lambda _: httpx.Response(401))
    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=refusing))
    with pytest.raises(NotRecorded, match="401") as refused:
        record(RUN)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://127.0.0.1",
        "http://127.0.0.1:{}",
        "http://127.0.0.1:port",
        "http://[127.0.0.1",
        "http://ada:secret@127.0.0.1:{}",
    ],
)
def test_a_server_that_can_not_be_used(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    with refused_port() as port:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address.format(port))
        with pytest.raises(NotRecorded, match=r"127\.0\.0\.1") as refused:
            record(RUN)
    assert "secret" not in str(refused.value)
