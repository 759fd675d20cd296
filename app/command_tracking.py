"""Records what `train` and `evaluate` did as runs of MLflow; a failure is a warning."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from app.console import print_error
from app.model.evaluation import Evaluation
from app.model.judgement_files import Judgements
from app.model.mlflow_runs import NotRecorded, Run, record, tracking_uri
from app.model.model_card import SETTINGS
from app.model.registry import CARD
from app.model.training import Training
from app.model.version_loader import CALIBRATOR, RANKER, VersionLoader
from app.recommend.artefact import ArtefactRefused

FILES = (RANKER, CALIBRATOR, CARD)


def track_training(
    loader: VersionLoader, trained: Training, started: float, trace: str | None
) -> None:
    """`started`: Unix time; `trace`: id of its trace."""
    _track(lambda: _training(loader, trained, started, trace))


def track_evaluation(
    champion: str, judgements: Judgements, found: Evaluation, started: float, card: str
) -> None:
    """`card`: as Markdown; the rest as for a training."""
    parameters = {**_named("judgements", judgements), "champion": champion}
    metrics, files = dict(_metrics(found)), {"evaluation.md": card.encode()}
    run = Run(f"evaluate {champion}", "evaluate", started, parameters, metrics, {}, files)
    _track(lambda: run)


def _training(loader: VersionLoader, trained: Training, started: float, trace: str | None) -> Run:
    """Raises ArtefactRefused, OSError."""
    change, files = trained.change, {"card.md": trained.card.encode()}
    if change is not None:
        _, stored = loader.registry.read(change.version)
        files |= {name: stored[name] for name in FILES}
    version = change.version if change else ""
    return Run(
        name=version or "refused",
        kind="train",
        started=started,
        parameters={
            **SETTINGS,
            **_named("judgements", trained.judgements),
            **_named("holdout", trained.holdout),
            "rows_used": trained.quality.used,
            "champion": trained.champion,
        },
        metrics=dict(_metrics(trained.evaluation)),
        tags={
            "vitrine.model.version": version,
            "vitrine.trace_id": trace or "",
            "vitrine.gate": "; ".join(trained.verdict.reasons.values()) or "passed",
        },
        artefacts=files,
        failed=change is None,
    )


def _named(name: str, judgements: Judgements | None) -> dict[str, str]:
    if judgements is None:
        return {}
    return {
        name: judgements.name,
        f"{name}_source": judgements.source.value,
        f"{name}_sha256": judgements.hash,
    }


def _metrics(found: Evaluation) -> Iterator[tuple[str, float]]:
    content: Mapping[str, Any] = asdict(found)
    for model, ranked in content["ranked"].items():
        yield f"ndcg.{model}", ranked["ndcg"]["mean"]
        yield f"recall.{model}", ranked["recall"]
        yield f"mrr.{model}", ranked["reciprocal_rank"]
    for model, compared in content["comparisons"].items():
        yield f"difference.{model}", compared["difference"]["mean"]
        yield f"p.{model}", compared["p"]
    for model, calibrated in content["calibration"].items():
        yield f"brier.{model}", calibrated["brier"]
        yield f"auc.{model}", calibrated["auc"]["value"]


def _track(make: Callable[[], Run]) -> None:
    if not tracking_uri():
        return
    try:
        print_error(f"recorded as a run of MLflow: {record(make())}", "green")
    except (NotRecorded, ArtefactRefused, OSError) as error:
        print_error(f"The run was not recorded by MLflow: {error}", "yellow")
