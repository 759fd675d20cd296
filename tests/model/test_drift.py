"""Drift is flagged soon after it begins, and ordinary variation is not flagged."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from app.catalogue.index import CatalogueIndex, SnapshotIndex
from app.composition import open_catalogue, version_loader
from app.model.drift import STEP, WINDOW, DriftDetector, DriftReport, compare, compare_largest, psi
from app.model.drift_monitor import DriftMonitor
from app.model.profiling import observed
from app.recommend.artefact import ArtefactRefused
from app.recommend.observation import Observation
from app.recommend.reference_profile import EMBEDDING, FEATURES, Profile
from app.recommend.serving_model import ServingModel
from app.recommend.stages import Unobserved
from app.recommend.types import ModelCard
from app.settings import Settings
from benchmarks.shifts import (
    SHIFTS,
    TEXTS,
    Shift,
    false_alarms,
    filled,
    first_alarm,
    without_category,
)
from tests.model.observations import observation

CARD = ModelCard("fusion", "1")
Opened = tuple[SnapshotIndex, ServingModel]


@pytest.fixture(scope="module")
def opened(seed_file: Path) -> Iterator[Opened]:
    """The seed catalogue, and fusion with the profile that is shipped for it."""
    catalogue = open_catalogue(seed_file.parent)
    loader, _ = version_loader(Settings(data=seed_file.parent), catalogue)
    yield CatalogueIndex(catalogue.database, catalogue.models).now(), loader.built_in
    catalogue.database.close()


@pytest.fixture(scope="module")
def pool(opened: Opened) -> list[Observation]:
    return list(islice(Shift().observed(*opened, seed=1), 300))


def test_the_shipped_profile_is_that_of_the_seed_catalogue(opened: Opened) -> None:
    shipped = opened[1].profile
    assert shipped is not None
    counted = shipped.count(list(observed(*opened, TEXTS[::2])))
    assert max(psi(shipped.counts[name], counted[name]) for name in FEATURES) < 0.1


@pytest.mark.parametrize("name", ["queries of another domain", "stale embeddings"])
def test_a_shift_is_flagged_within_500_requests(
    opened: Opened, pool: list[Observation], name: str
) -> None:
    alarm = first_alarm(filled(opened[1], pool), SHIFTS[name].observed(*opened, seed=7))
    assert alarm is not None
    print(f"{name}: after {alarm.requests} requests, {', '.join(alarm.features)}")  # noqa: T201


def test_clean_windows_raise_no_alarm(opened: Opened, pool: list[Observation]) -> None:
    assert false_alarms(opened[1], pool, windows=4) == 0


@pytest.mark.lasting
def test_every_shift_is_flagged_and_forty_clean_windows_are_not(opened: Opened) -> None:
    index, serving = opened
    pool = list(islice(Shift().observed(index, serving, seed=1), 3_000))
    assert false_alarms(serving, pool, windows=40) == 0
    print("40 clean windows of 1,000 requests: no alarm")  # noqa: T201
    assert serving.profile is not None
    gone = {
        f"category {name} gone": Shift(alter=without_category(name))
        for name in serving.profile.categories[:3]
    }
    for name, shift in {**SHIFTS, **gone}.items():
        alarm = first_alarm(filled(serving, pool), shift.observed(index, serving, seed=7))
        assert alarm is not None, name
        print(f"{name}: after {alarm.requests} requests, {', '.join(alarm.features)}")  # noqa: T201


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.of([observation(number) for number in range(1_000, 1_400)], CARD, "embedder")


def reports(detector: DriftDetector, observations: list[Observation]) -> list[DriftReport]:
    return [each for one in observations if (each := detector.add(one)) is not None]


def test_drift_starts_and_ends_once(profile: Profile) -> None:
    same = [observation(number) for number in range(1_000)]
    shifted = [observation(number, {"top_score": 0.99}) for number in range(2_000, 2_500)]
    found = reports(DriftDetector(CARD, profile), [*same[:500], *shifted, *same[500:]])
    assert [each.drifting for each in found if each.changed] == [True, False]
    assert {name for each in found for name in each.drifted} == {"top_score"}
    assert {each.requests for each in found} == {*range(200, WINDOW, STEP), WINDOW}


def test_the_models_that_answered_last_are_watched(opened: Opened, pool: list[Observation]) -> None:
    _, champion = opened
    monitor = DriftMonitor(Unobserved())
    challengers = [replace(champion, calibrators={}) for _ in range(2)]
    for model in (champion, challengers[0], champion, challengers[1], champion):
        for each in islice(cycle(pool), WINDOW):
            monitor.offer(model, each)
            monitor.evaluate()
    assert monitor.report(champion) is not None
    assert monitor.report(challengers[0]) is None


def test_a_repeated_query_is_no_drift(profile: Profile) -> None:
    detector = DriftDetector(CARD, profile)
    repeated = [observation(0, {"query_length": 400.0})] * 450
    found = reports(detector, [*repeated, *[observation(number) for number in range(1, 51)]])
    assert [(each.distinct, each.drifting) for each in found] == [(51, False)]


def test_a_missing_calibrator_is_drift_of_relevance(profile: Profile) -> None:
    without = [observation(number, {"relevance": float("nan")}) for number in range(300)]
    assert reports(DriftDetector(CARD, profile), without)[-1].drifted == ("relevance",)


def test_comparisons_agree_with_the_textbook() -> None:
    from scipy.stats import chi2_contingency  # noqa: PLC0415 - takes a second

    reference, window = np.array([50.0, 30, 20]), np.array([30.0, 30, 60])
    expected = chi2_contingency([reference, window], correction=False).pvalue
    found = compare(reference, window)
    assert found.p == pytest.approx(expected * len(FEATURES))
    assert found.psi == pytest.approx(0.457, abs=0.02)
    assert found.drifted
    single = chi2_contingency([[20, 80], [60, 60]], correction=False).pvalue
    assert compare_largest(reference, window).p == pytest.approx(3 * single * len(FEATURES))
    assert compare(reference, reference).p == 1


def test_a_profile_is_read_as_it_was_written(profile: Profile) -> None:
    again = Profile.load(profile.dump(), CARD, "embedder")
    assert again.dump() == profile.dump()
    assert again.counts[EMBEDDING].sum() == profile.queries == 400
    for card, embedder, artefact in (
        (ModelCard("pairwise", "1"), "embedder", profile.dump()),
        (CARD, "another", profile.dump()),
        (CARD, "embedder", profile.dump()[:-9]),
    ):
        with pytest.raises(ArtefactRefused):
            Profile.load(artefact, card, embedder)
