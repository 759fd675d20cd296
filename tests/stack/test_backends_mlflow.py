"""A real MLflow server: traces of the service are listed and shown beside its runs and models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.observatory.messages import attributes, fresh, request, span
from tests.observatory.otlp_client import over_grpc
from tests.stack.backends import Backend, mlflow_server
from tests.stack.collector_process import Collector
from tests.telemetry.exporting_service import ExportingService
from tests.waiting import until

pytestmark = pytest.mark.lasting


SEARCH = "/api/3.0/mlflow/traces/search"


class Shop(NamedTuple):
    """MLflow with an experiment, and the Collector before it."""

    collector: Collector
    mlflow: Backend
    experiment: str

    def listed(self, trace: str) -> dict[str, Any] | None:
        """A trace's row in the experiment's list."""
        place = {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": self.experiment},
        }
        rows = self.mlflow.post(SEARCH, {"locations": [place]}).get("traces", [])
        found: dict[str, Any] = {each["trace_id"]: each for each in rows}
        return found.get(f"tr-{trace}")

    def spans(self, trace: str) -> dict[str, dict[str, Any]]:
        """Attributes of its spans, by name."""
        answer = self.mlflow.get("/api/3.0/mlflow/traces/get", trace_id=f"tr-{trace}")
        return {
            each["name"]: {one["key"]: simple(one["value"]) for one in each["attributes"]}
            for each in answer["trace"]["spans"]
        }


def simple(value: dict[str, Any]) -> Any:
    [of] = value.values()
    return of


@pytest.fixture(scope="module")
def shop(otelcol: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server(folder, "--default-artifact-root", folder / "artifacts") as mlflow:
        made = mlflow.post("/api/2.0/mlflow/experiments/create", {"name": "recommendations"})
        there = {
            "MLFLOW_ENDPOINT": mlflow.address,
            "MLFLOW_EXPERIMENT_ID": made["experiment_id"],
        }
        with Collector(otelcol, folder, "mlflow", **there) as collector:
            yield Shop(collector, mlflow, made["experiment_id"])


def test_a_request_is_listed_and_shown(shop: Shop, tmp_path: Path) -> None:
    with ExportingService(
        tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": shop.collector.grpc}
    ) as service:
        answer = service.client.post("/recommend", json={"query": "stale bread"}).json()
        service.stop()
    until(lambda: shop.listed(answer["trace_id"]) is not None)
    row = shop.listed(answer["trace_id"])
    assert row is not None
    assert row["state"] == "OK"
    wanted = {
        "mlflow.traceName": "POST /recommend",
        "service.name": "vitrine",
        "vitrine.model.name": answer["model"]["name"],
        "vitrine.model.version": answer["model"]["version"],
    }
    assert wanted.items() <= row["tags"].items()
    spans = shop.spans(answer["trace_id"])
    assert spans["POST /recommend"]["vitrine.recommendation.id"] == answer["recommendation_id"]
    assert spans["analyze query"]["vitrine.query.term_count"] == 2
    kinds = {name: about.get("mlflow.spanType") for name, about in spans.items()}
    assert kinds["retrieve candidates"] == "RETRIEVER"
    assert kinds["rank candidates"] == "RERANKER"
    # What was typed stays in the service.
    assert "request_preview" not in row


def test_a_query_that_is_emitted_is_the_input(shop: Shop) -> None:
    about = attributes({"vitrine.query.text": "stale bread"})
    root = span(fresh(), attributes=about)
    over_grpc(shop.collector, "traces", request("traces", [root]))
    until(lambda: shop.listed(root.trace_id.hex()) is not None)
    row = shop.listed(root.trace_id.hex())
    assert row is not None
    assert "stale bread" in row["request_preview"]
