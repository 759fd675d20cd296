"""The serving model follows the registry; whatever is on disk, the last good version serves."""

import errno
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.catalogue.store import Catalogue
from app.composition import version_loader
from app.model.live_model import LiveModel
from app.model.promotion import GateRefused, promote, roll_back
from app.model.registry import MANIFEST, STATE, Registry
from app.model.registry_records import BUILT_IN
from app.model.training import others
from app.model.version_loader import CALIBRATOR, RANKER, VersionLoader
from app.recommend import artefact
from app.recommend.artefact import ArtefactRefused
from app.recommend.fusion import Fusion
from app.recommend.ranking import RefusedModel
from app.recommend.stages import LOAD_MODEL, MODEL_REFUSED, PROMOTE, Unobserved
from app.settings import Settings
from tests.fakes import SHELF, RecordingStages
from tests.model.versions import ADA, calibrator, ranker, register, truncate
from tests.opening import OpenCatalogue

Files = dict[str, bytes]
Fits = dict[str, Any]


@pytest.fixture
def catalogue(open_catalogue: OpenCatalogue) -> Catalogue:
    return open_catalogue(SHELF)


@pytest.fixture
def loader(catalogue: Catalogue, tmp_path: Path) -> VersionLoader:
    return version_loader(Settings(data=tmp_path), catalogue)[0]


def flip(path: Path) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def replaced(name: str, content: Callable[[str], bytes]) -> Callable[[Files, Fits], object]:
    """Registers other content under a name; the argument is the name of the embedding model."""

    def alter(files: Files, fits: Fits) -> None:
        files[name] = content(fits["embedder"]["name"])

    return alter


def newer() -> bytes:
    """A model in a format of the future, with a right checksum."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artefact, "FORMAT", 2)
        return ranker()


REGISTERED: dict[str, tuple[Callable[[Files, Fits], object], str]] = {
    "no JSON": (replaced(RANKER, lambda _: b"PK"), "not an artefact"),
    "empty": (replaced(RANKER, lambda _: b""), "not an artefact"),
    "newer format": (replaced(RANKER, lambda _: newer()), "its format is 2"),
    "NaN": (replaced(RANKER, lambda _: ranker(float("nan"))), "not a number"),
    "other features": (replaced(RANKER, lambda _: ranker(features=["x"])), "trained on the feat"),
    "NaN threshold": (
        replaced(CALIBRATOR, lambda name: calibrator(ranker(), name, threshold=float("nan"))),
        "its threshold is nan",
    ),
    "calibrator of another model": (
        replaced(CALIBRATOR, lambda name: calibrator(ranker(7), name)), "trained for",
    ),
    "no calibrator": (lambda files, _: files.pop(CALIBRATOR), "it has no calibrator.json"),
    "another embedding model": (
        lambda _, fits: fits["embedder"].update(hash="other"), "trained with the embedding model",
    ),
    "another catalogue": (
        lambda _, fits: fits["catalogue"].update(sample=["pizza", "staling", "wine"]),
        "has 1 of 3 sampled documents",
    ),
    "no description": (lambda _, fits: fits.clear(), "manifest lacks something: KeyError"),
}  # fmt: skip
DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda folder: truncate(folder / RANKER), "ranker.json: its checksum"),
    "one byte": (lambda folder: flip(folder / CALIBRATOR), "calibrator.json: its checksum"),
    "missing": (lambda folder: (folder / RANKER).unlink(), "ranker.json can't be read"),
    "manifest truncated": (lambda folder: truncate(folder / MANIFEST), "manifest.json: not an"),
    "manifest changed": (lambda folder: flip(folder / MANIFEST), "manifest.json: "),
    "folder renamed": (
        lambda folder: folder.rename(folder.with_name(f"{folder.name}-")),
        "manifest.json can't",
    ),
}


def challenger(model: LiveModel) -> str | None:
    return None if model.challenger is None else model.challenger.card.version


def serving(model: LiveModel) -> tuple[str, str]:
    card = model.now().card
    return card.name, card.version


def test_a_promotion_is_noticed_and_the_version_is_complete(
    catalogue: Catalogue, loader: VersionLoader
) -> None:
    stages = RecordingStages()
    model, registry = LiveModel(loader.registry, loader, stages), loader.registry
    assert serving(model) == ("fusion", "2")
    assert stages.seen == [], "without a registry nothing is loaded"
    before = model.now()
    version = register(catalogue, registry)
    assert model.now() is before
    assert challenger(model) == version
    change = promote(loader, "1", ADA, stages)
    assert serving(model) == ("pairwise", version)
    assert model.now() is model.now()
    assert challenger(model) is None
    assert set(model.now().calibrators) == {"fusion", "pairwise"}
    assert model.now().trained_at is not None
    assert stages.names == [LOAD_MODEL, PROMOTE, LOAD_MODEL]
    assert stages.seen[1].result == change
    roll_back(loader, ADA, Unobserved())
    assert model.now() is before


def test_a_folder_that_cannot_be_read_changes_nothing_until_it_can(
    catalogue: Catalogue, loader: VersionLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages, registry = RecordingStages(), loader.registry
    first, second = register(catalogue, registry), register(catalogue, registry, 2)
    promote(loader, first, ADA, Unobserved())
    model = LiveModel(registry, loader, stages)

    def stale(*_: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "stamp", stale)
        for _ in range(3):
            assert serving(model) == ("pairwise", first)
        assert "Stale file handle" in str(model.refusals)
        assert stages.noted == [MODEL_REFUSED], "once"
    promote(loader, second, ADA, Unobserved())
    assert serving(model) == ("pairwise", second)
    assert not model.refusals


@pytest.mark.parametrize(("alter", "reason"), REGISTERED.values(), ids=REGISTERED)
def test_a_version_that_does_not_fit_is_refused(
    catalogue: Catalogue,
    loader: VersionLoader,
    alter: Callable[[Files, Fits], object],
    reason: str,
) -> None:
    good = register(catalogue, loader.registry, 2)
    promote(loader, good, ADA, Unobserved())
    running, stages = LiveModel(loader.registry, loader, Unobserved()), RecordingStages()
    bad = register(catalogue, loader.registry, alter=alter)
    with pytest.raises(ArtefactRefused, match=reason):
        promote(loader, bad, ADA, stages)
    assert stages.noted == []
    loader.registry.promote(bad, ADA)  # past the check
    for model in (running, LiveModel(loader.registry, loader, stages)):
        assert serving(model) == ("pairwise", good)
        assert reason in model.refusals[bad]
    assert stages.noted == [MODEL_REFUSED]


@pytest.mark.parametrize(("damage", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_a_version_that_was_damaged_is_refused_and_passed_over(
    catalogue: Catalogue, loader: VersionLoader, damage: Callable[[Path], object], reason: str
) -> None:
    registry = loader.registry
    first, second, third = (register(catalogue, registry, weight) for weight in (1, 2, 3))
    for each in (first, second, third):
        promote(loader, each, ADA, Unobserved())
    running = LiveModel(registry, loader, Unobserved())
    damage(registry.folder / second)
    roll_back(loader, ADA, Unobserved())
    assert serving(running) == ("pairwise", first), "the damaged one was passed over"
    damage(registry.folder / first)
    registry.promote(second, ADA)
    assert serving(running) == ("pairwise", first), "in memory it is still good"
    assert reason in running.refusals[second]
    started = LiveModel(registry, loader, Unobserved())
    assert serving(started) == ("fusion", "2")
    assert isinstance(started.now().model, RefusedModel), "answers are degraded"
    promote(loader, BUILT_IN, ADA, Unobserved())
    for model in (running, started):
        assert type(model.now().model) is Fusion
        assert not model.refusals


def test_a_damaged_state_changes_nothing(catalogue: Catalogue, loader: VersionLoader) -> None:
    version = register(catalogue, loader.registry)
    promote(loader, version, ADA, Unobserved())
    running = LiveModel(loader.registry, loader, Unobserved())
    truncate(loader.registry.folder / STATE)
    for model in (running, LiveModel(loader.registry, loader, Unobserved())):
        assert serving(model) == ("pairwise", version)
        assert "not an artefact" in model.refusals["state"]


def test_a_repaired_version_is_used_after_a_while(
    catalogue: Catalogue, loader: VersionLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(catalogue, loader.registry)
    promote(loader, version, ADA, Unobserved())
    path = loader.registry.folder / version / RANKER
    content = path.read_bytes()
    truncate(path)
    model = LiveModel(loader.registry, loader, Unobserved())
    path.write_bytes(content)
    assert serving(model)[0] == "fusion"
    monkeypatch.setattr(time, "monotonic", lambda: float("inf"))
    assert serving(model) == ("pairwise", version)
    assert not model.refusals


def test_what_the_gate_refused_must_be_forced(catalogue: Catalogue, loader: VersionLoader) -> None:
    version = register(catalogue, loader.registry, gate=["worse than BM25"])
    with pytest.raises(GateRefused, match="worse than BM25"):
        promote(loader, version, ADA, Unobserved())
    assert promote(loader, version, ADA, Unobserved(), force=True).forced
    assert Registry(loader.registry.folder).changes()[-1].forced
    loader.registry.promote(BUILT_IN, ADA)
    assert register(catalogue, loader.registry) == version, "judged again: it passed"
    assert not promote(loader, version, ADA, Unobserved()).forced


def test_trainings_are_compared_with_what_serves(
    catalogue: Catalogue, loader: VersionLoader
) -> None:
    first = register(catalogue, loader.registry)
    second = register(catalogue, loader.registry, weight=2.0)
    for each in (first, second):
        promote(loader, each, ADA, Unobserved())
    assert others(loader)[0] == second
    truncate(loader.registry.folder / STATE)
    assert others(loader)[0] == second, "the log of changes says what serves"
    truncate(loader.registry.folder / second / RANKER)
    assert others(loader)[0] == first


def test_a_shared_threshold_overrides_the_calibrated_one(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    loader, _ = version_loader(Settings(data=tmp_path, answered_from=0.9), catalogue)
    version = register(catalogue, loader.registry)
    assert {each.threshold for each in loader(version).calibrators.values()} == {0.9}
