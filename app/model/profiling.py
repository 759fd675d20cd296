"""Makes a model's reference profile: runs queries through an index and the model, and observes."""

import logging
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from app.catalogue.store import Catalogue
from app.model.judged import Split, seed_queries
from app.recommend.answering import Answerer
from app.recommend.artefact import ArtefactRefused
from app.recommend.index import DEPTH, Index
from app.recommend.observation import Observation, Unwatched
from app.recommend.query import NoSearchableWords, analyze
from app.recommend.reference_profile import Profile
from app.recommend.serving_model import ServingModel
from app.recommend.stages import Unobserved
from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import ModelCard

log = logging.getLogger(__name__)
FUSION_PROFILE = "profile-fusion.json"
SHOWN = 5
"""Results of an observed answer: as many as a request gets by default."""


def observed(index: Index, serving: ServingModel, texts: Iterable[str]) -> Iterator[Observation]:
    """The observation of each text that has words, as the service makes it."""
    answerer = Answerer(index, serving, Unobserved(), Unwatched())
    for text in texts:
        try:
            query = analyze(text, index)
        except NoSearchableWords:
            continue
        probe = index.probe(query)
        candidates = index.retrieve(probe, DEPTH, frozenset())
        answer = answerer.answer(query, candidates, Evidence(Outcome.OFF), SHOWN, probe)
        if answer.observation is not None:
            yield answer.observation


def make_profile(
    index: Index, serving: ServingModel, texts: Iterable[str], embedder: str
) -> Profile:
    """The profile of these queries' answers. Raises ValueError without an answer."""
    return Profile.of(list(observed(index, serving, texts)), serving.card, embedder)


def has_seed(catalogue: Catalogue) -> bool:
    """Whether the catalogue has half of the documents that the shipped queries are judged by."""
    judged = {name for query in seed_queries(Split.TUNE) for name in query.relevance}
    return len(catalogue.existing(judged)) >= len(judged) / 2


def load_profile(folder: Path, catalogue: Catalogue, card: ModelCard) -> Profile | None:
    """The profile of the built-in model: from a data folder, or the one shipped for the seed.

    None if there is none for this model, or if the catalogue is another one: then drift is not
    detected until a version is trained.
    """
    if not has_seed(catalogue):
        return None
    kept, shipped = folder / FUSION_PROFILE, files("app.model").joinpath(FUSION_PROFILE)
    place = kept if kept.is_file() else shipped
    try:
        return Profile.load(place.read_bytes(), card, catalogue.models.embedder.name)
    except (ArtefactRefused, OSError) as error:
        log.warning("no drift detection for %s: %s: %s", card.name, place.name, error)
        return None
