"""Trains a version of the model: load, validate, features, fit, evaluate, gate, register.

Each step is a stage, so that a training is a trace like a request. The same catalogue, judgements
and settings give byte-identical artefacts. A version that the gate refuses is not registered.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from app.catalogue.store import Catalogue
from app.model.calibration import TooFewAnswers, calibrate, first_results
from app.model.evaluation import CANDIDATE, Evaluation, evaluate
from app.model.gate import Verdict, judge
from app.model.judged import JudgedQuery, Split
from app.model.judgement_files import Judgements
from app.model.judgements import DataQuality, ValidJudgements, validate
from app.model.model_card import card, readable
from app.model.pairwise_fit import TooFewQueries, train
from app.model.profiling import make_profile
from app.model.ranking_metrics import Retrieved, answerable, retrieve
from app.model.registry import CARD, PROFILE, READABLE_CARD
from app.model.registry_records import BUILT_IN, Author, Change
from app.model.stages import COMPUTE_FEATURES, EVALUATE, FIT, GATE, LOAD, REGISTER, TRAIN, VALIDATE
from app.model.version_loader import CALIBRATOR, RANKER, VersionLoader, about
from app.recommend.artefact import ArtefactRefused, dump
from app.recommend.index import Index
from app.recommend.leg import Leg
from app.recommend.ranking import PairwiseModel
from app.recommend.relevance import Calibrator
from app.recommend.serving_model import ServingModel
from app.recommend.stages import StageObserver


class CannotTrain(ValueError):
    """There are not enough usable judgements; the message says what is needed."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Queries with their candidates, to fit on and to evaluate with."""

    tune: Sequence[Retrieved]
    test: Sequence[Retrieved]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The files of a version, and the model that they are."""

    files: dict[str, bytes]
    model: ServingModel


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to train on. `judgements` and `holdout` read files when they are called."""

    judgements: Callable[[Index], Judgements]
    by: Author
    split: Split = Split.TUNE
    holdout: Callable[[], Judgements] | None = None
    force: bool = False
    trace_id: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """What came of a training. `change` is None if the gate refused the version."""

    judgements: Judgements
    holdout: Judgements | None
    quality: DataQuality
    champion: str
    evaluation: Evaluation
    verdict: Verdict
    card: str
    """As Markdown."""
    change: Change | None


def train_version(
    loader: VersionLoader, request: TrainingRequest, stages: StageObserver
) -> Training:
    """Train, evaluate and register a version, which becomes the challenger.

    Raises CannotTrain, JudgementsUnreadable, OSError.
    """
    if not len(loader.catalogue):
        raise CannotTrain(
            "the catalogue is empty: import documents, or start the service, which builds its own"
        )
    with (
        stages.observe(TRAIN) as whole,
        threadpool_limits(limits=1, user_api="blas"),
        loader.catalogue.database.snapshot(),  # documents may be written meanwhile
    ):
        result = whole.result = _train(loader, request, stages)
    return result


def _train(loader: VersionLoader, request: TrainingRequest, stages: StageObserver) -> Training:
    catalogue = loader.catalogue
    index = loader.index()
    with stages.observe(LOAD) as stage:
        judgements = stage.result = request.judgements(index)
        holdout = request.holdout() if request.holdout is not None else None
    with stages.observe(VALIDATE) as stage:
        valid = stage.result = validate(judgements, catalogue, request.split, holdout)
        _check(valid)
    with stages.observe(COMPUTE_FEATURES) as stage:
        tune, test = (retrieved(catalogue, index, each) for each in (valid.tune, valid.test))
        found = stage.result = TrainingSet(tune, test)
    with stages.observe(FIT) as stage:
        fitted = stage.result = fit_version(catalogue, loader.legs, index, found)
    with stages.observe(EVALUATE) as stage:
        champion, models = others(loader)
        categories = {each.id: each.category for each in catalogue}
        models = {CANDIDATE: fitted.model, **models}
        evaluation = stage.result = evaluate(test, index, categories, models)
    with stages.observe(GATE) as stage:
        verdict = stage.result = judge(evaluation, champion)
    described = card(
        judgements, holdout, valid.quality, evaluation, verdict,
        trained_on=len(tune), catalogue=catalogue, champion=champion, trace_id=request.trace_id(),
    )  # fmt: skip
    text = readable(described)
    change = None
    if verdict.passed or request.force:
        files = {**fitted.files, CARD: dump(described), READABLE_CARD: text.encode()}
        with stages.observe(REGISTER) as stage:
            forced = not verdict.passed
            change = loader.registry.register(files, about(catalogue), request.by, forced=forced)
            stage.result = change
    quality = valid.quality
    return Training(judgements, holdout, quality, champion, evaluation, verdict, text, change)


def _check(valid: ValidJudgements) -> None:
    """Raises CannotTrain."""
    for name, queries in (("train", valid.tune), ("evaluate", valid.test)):
        if not any(each.relevance for each in queries):
            raise CannotTrain(
                f"there is no usable judged query to {name} with: {valid.quality.read} rows were "
                f"read, not used: {valid.quality.not_used or 'none'}"
            )


def retrieved(
    catalogue: Catalogue, index: Index, queries: Sequence[JudgedQuery]
) -> list[Retrieved]:
    """The candidates of each query, as the service retrieves them."""
    query = "SELECT p.key, id FROM passages p JOIN documents d ON d.key = p.document"
    names = dict(catalogue.database.reader.execute(query).fetchall())
    return retrieve(index, lambda keys: [names[key] for key in keys], queries)


def fit_version(
    catalogue: Catalogue, legs: Sequence[Leg], index: Index, found: TrainingSet
) -> Fitted:
    """Fit the ranker and its calibrator on the tune split.

    The profile is of the queries of both splits that have an answer.

    Raises CannotTrain.
    """
    embedder = catalogue.models.embedder.name
    try:
        ranker = train(found.tune)
        model = PairwiseModel.load(ranker, [leg.name for leg in legs])
        some = [each for each in found.tune if len(each.candidates)]
        calibrator = calibrate(first_results(index, some, model), model, embedder)
    except (TooFewQueries, TooFewAnswers) as error:
        raise CannotTrain(str(error)) from error
    judging = Calibrator.load(calibrator, model.card, embedder)
    serving = ServingModel(model, {model.card.name: judging})
    texts = [each.query.text for each in answerable([*found.tune, *found.test])]
    profile = make_profile(index, serving, texts, embedder).dump()
    return Fitted({RANKER: ranker, CALIBRATOR: calibrator, PROFILE: profile}, serving)


def others(loader: VersionLoader) -> tuple[str, dict[str, ServingModel]]:
    """The champion's id, and the models to compare with: the champion and the built-in model."""
    state, built_in = loader.registry.current_state(), {BUILT_IN: loader.built_in}
    for champion in (state.champion, *reversed(state.previous)):  # as in the service
        with suppress(ArtefactRefused):
            return champion, {champion: loader(champion), **built_in}
    return BUILT_IN, built_in
