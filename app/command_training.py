"""What the commands `train`, `evaluate` and `calibrate` print."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from app.catalogue.importer import is_rejects
from app.catalogue.store import Catalogue
from app.command_tracking import track_evaluation, track_training
from app.composition import further_legs, load_model
from app.console import print_error, refuse
from app.model.calibration import TooFewAnswers
from app.model.evaluation import Evaluation, evaluate
from app.model.gate import Verdict
from app.model.judged import Split, seed_queries
from app.model.judgement_files import (
    Judgements,
    JudgementsUnreadable,
    Reject,
    Source,
    read_judgements,
)
from app.model.judgements import DataQuality, ValidJudgements, seed_judgements, validate
from app.model.model_card import rankings, relevance, slices
from app.model.pseudo_judgements import with_unanswerable
from app.model.registry_records import Change
from app.model.seed_training import calibrate_on, opened_index
from app.model.stages import EVALUATE
from app.model.training import (
    CannotTrain,
    Fitted,
    Training,
    TrainingRequest,
    TrainingSet,
    others,
    retrieved,
    train_version,
)
from app.model.version_loader import VersionLoader
from app.recommend.stages import Stage, StageObserver
from app.settings import TelemetrySettings
from app.telemetry.command import observed_command
from app.telemetry.kit.context import trace_id

out = Console()


def show_training(
    loader: VersionLoader,
    request: TrainingRequest,
    telemetry: TelemetrySettings,
    judgements: Path | None,
    holdout: Path | None,
) -> None:
    """Train and print each stage as it ends; write the quarantined rows of each file beside it.

    Raises typer.Exit if the gate refuses the version.
    """
    started, traces = time.time(), list[str | None]()

    def noted() -> str | None:
        traces.append(trace_id())
        return traces[-1]

    with observed_command(telemetry) as stages:
        try:
            request = replace(request, trace_id=noted)
            trained = train_version(loader, request, ShownStages(stages))
        except (CannotTrain, JudgementsUnreadable) as error:
            raise refuse(f"{error}.") from error
    track_training(loader, trained, started, next(iter(traces), None))
    _write_rejects(judgements, trained.quality.rejects)
    _write_rejects(holdout, trained.quality.holdout_rejects)
    _show_result(trained)


def _show_result(trained: Training) -> None:
    reasons = "; ".join(trained.verdict.reasons.values())
    if trained.change is None:
        raise refuse(
            f"The gate refused this version, it is not registered: {reasons}. "
            "--force registers it all the same."
        )
    version = trained.change.version
    if reasons:
        print_error(f"The gate refused this version: {reasons}. Registered by --force.", "yellow")
    if trained.judgements.source is Source.PSEUDO:
        print_error("No judgements: it learnt from titles and headings. See its card.", "yellow")
    if version == trained.champion:
        out.print(f"{version} already serves: the same judgements give the same version.")
        return
    out.print(f"registered {version}: `python -m app promote {version}` serves it", markup=False)


def _write_rejects(source: Path | None, rejects: Sequence[Reject]) -> None:
    """`source`: the file that they are of; None for feedback, which has no lines to correct."""
    if source is None or not rejects:
        return
    path = source.with_name(source.name + ".rejects.jsonl")
    lines = (json.dumps(asdict(each)) for each in sorted(rejects, key=lambda each: each.line))
    try:
        if path.exists() and not is_rejects(path):
            raise FileExistsError(f"{path} is no file of rejected rows")
        path.write_text("".join(f"{line}\n" for line in lines))
    except OSError as error:  # the version is registered all the same
        print_error(f"Cannot write the quarantined rows: {error}", "yellow")
    else:
        print_error(f"Quarantined rows and reasons: {path}")


class ShownStages:
    """Passes stages on to another observer, and prints a line as each of them ends."""

    def __init__(self, inner: StageObserver) -> None:
        self._inner = inner

    @contextmanager
    def observe(self, name: str, subject: object = None) -> Iterator[Stage]:
        """Observe a block."""
        started = time.perf_counter()
        with self._inner.observe(name, subject) as stage:
            yield stage
            if remark := _remark(stage.result):
                print_error(f"{name:<20} {time.perf_counter() - started:5.1f} s  {remark}")

    def note(self, occurrence: str, cause: BaseException | None = None) -> None:
        """Report an event."""
        self._inner.note(occurrence, cause)


def _remark(result: Any) -> str:  # noqa: PLR0911 - one line for each kind of result
    """What to tell about the result of a stage; empty for a whole training."""
    match result:
        case Judgements():
            return f"{result.read} rows: {result.name}"
        case ValidJudgements(quality=quality):
            queries = f"{len(result.tune)} queries to train, {len(result.test)} to evaluate"
            return f"{quality.used} rows used; {queries}" + _not_used(quality)
        case TrainingSet():
            count = sum(len(each.candidates) for each in (*result.tune, *result.test))
            return f"{count} candidates"
        case Fitted():
            return f"content {result.model.card.version}"
        case Evaluation():
            measured = (f"{name} {each.ndcg.mean:.3f}" for name, each in result.ranked.items())
            return f"nDCG@10: {', '.join(measured)}"
        case Verdict():
            return "passed" if result.passed else f"refused: {', '.join(result.reasons)}"
        case Change():
            return result.version
    return ""


def _not_used(quality: DataQuality) -> str:
    return f"; not used: {quality.not_used}" if quality.not_used else ""


def calibrate_fusion(catalogue: Catalogue, path: Path | None, queries: Path | None) -> bytes:
    """Fusion's calibrator, by the judgements of a file or the shipped ones.

    Raises typer.Exit if there are too few that this catalogue can use.
    """
    model = load_model(catalogue.models.embedder, further_legs(catalogue))
    index = opened_index(catalogue)
    try:
        if path:
            valid = validate(with_unanswerable(read_judgements(path, queries), index), catalogue)
            print_error(_remark(valid))
            tune = valid.tune
        elif seed_judgements(catalogue) is None:
            raise refuse(
                "This catalogue has no judgements: give them with --judgements FILE (see "
                "docs/model.md), or train and promote a version, which brings its calibrator."
            )
        else:
            tune = seed_queries("tune")
        return calibrate_on(catalogue, index, model, tune)
    except (JudgementsUnreadable, TooFewAnswers) as error:
        raise refuse(f"{error}.") from error


def show_evaluation(
    loader: VersionLoader,
    path: Path | None,
    queries: Path | None,
    split: Split,
    telemetry: TelemetrySettings,
) -> None:
    """Print how good the serving version is. Raises typer.Exit without usable judgements."""
    catalogue = loader.catalogue
    try:
        judgements = read_judgements(path, queries) if path else seed_judgements(catalogue)
    except JudgementsUnreadable as error:
        raise refuse(f"{error}.") from error
    if judgements is None:
        raise refuse(
            "This catalogue has no judgements, so nothing can be measured: give them with "
            "--judgements FILE (see docs/model.md)."
        )
    other = Split.TUNE if split is Split.TEST else Split.TEST
    valid = validate(judgements, catalogue, other)
    if not any(each.relevance for each in valid.test):
        raise refuse(
            f"None of the {valid.quality.read} rows can be used with this catalogue "
            f"({valid.quality.not_used or 'none'}), so nothing can be measured."
        )
    print_error(
        f"{len(valid.test)} queries of the split {split} are measured, {len(valid.tune)} of the "
        f"split {other} set aside; {valid.quality.used} of {valid.quality.read} rows can be used"
        f"{_not_used(valid.quality)}"
    )
    index, started = loader.index(), time.time()
    champion, models = others(loader)
    categories = {each.id: each.category for each in catalogue}
    with observed_command(telemetry) as stages, stages.observe(EVALUATE) as stage:
        found = evaluate(retrieved(catalogue, index, valid.test), index, categories, models)
        stage.result = found
    metrics = asdict(found)
    lines = [*rankings(metrics), *relevance(metrics), *slices(metrics)]
    card = "\n".join([f"# {champion}: {judgements.name}", *lines])
    out.print(Markdown(card))
    track_evaluation(champion, judgements, found, started, card)
