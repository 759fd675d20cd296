"""The life of a model in small: refused once, registered, promoted, trained again, rolled back.

With the seed catalogue; `test_life.py` has the same with users.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from app.composition import open_catalogue, version_loader
from app.model.judged import JudgedQuery, seed_queries
from app.model.judgement_files import read_judgements
from app.model.live_model import LiveModel
from app.model.promotion import promote, roll_back
from app.model.pseudo_judgements import judgements_for
from app.model.registry import READABLE_CARD
from app.model.stages import COMPUTE_FEATURES, EVALUATE, FIT, GATE, LOAD, REGISTER, TRAIN, VALIDATE
from app.model.training import CannotTrain, Training, TrainingRequest, train_version
from app.model.version_loader import VersionLoader
from app.recommend.stages import PROMOTE, ROLL_BACK, Stage, StageObserver, Unobserved
from app.settings import Settings, TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.command import observed_command
from app.telemetry.kit import testing
from app.telemetry.kit.context import trace_id
from app.telemetry.kit.testing import Recorder
from tests.model.versions import ADA
from tests.telemetry.test_everything_emitted import OF_TRAINING, emitted

TO_THE_GATE = (LOAD, VALIDATE, COMPUTE_FEATURES, FIT, EVALUATE, GATE)


def write(path: Path, queries: list[JudgedQuery], split: str, *, confused: bool = False) -> Path:
    """Add queries to a file. `confused`: three in four have the documents of the next one."""
    with path.open("a") as file:
        for place, query in enumerate(queries):
            wrong = confused and place % 4 > 0
            relevance = queries[(place + wrong) % len(queries)].relevance
            entry = {"text": query.text, "kind": query.kind, "split": split}
            file.write(json.dumps(entry | {"relevance": dict(relevance)}) + "\n")
    return path


@contextmanager
def opened(data: Path) -> Iterator[VersionLoader]:
    catalogue = open_catalogue(data)
    with closing(catalogue.database):
        yield version_loader(Settings(data=data), catalogue)[0]


def train(
    loader: VersionLoader, path: Path, stages: StageObserver, holdout: Path, *, force: bool = False
) -> Training:
    source = partial(judgements_for, loader.catalogue, path, None)
    held = partial(read_judgements, holdout)
    request = TrainingRequest(source, ADA, holdout=held, force=force, trace_id=trace_id)
    return train_version(loader, request, stages)


def trees(recorder: Recorder) -> list[tuple[str, ...]]:
    """Each trace: the root and its children, in the order of their starts."""
    found = []
    for root in (each for each in recorder.spans if each.parent is None):
        spans = [each for each in recorder.spans if each.context.trace_id == root.context.trace_id]
        ordered = sorted(spans, key=lambda each: (each.parent is not None, each.start_time))
        assert {each.parent.span_id for each in spans if each.parent} <= {root.context.span_id}
        found.append(tuple(each.name for each in ordered))
    return found


@pytest.mark.lasting
def test_refused_registered_promoted_trained_again_and_rolled_back(  # noqa: PLR0915 - one story
    seed_data: Path, tmp_path: Path
) -> None:
    tune = [each for each in seed_queries("tune") if each.relevance]
    outside = [each for each in seed_queries("tune") if not each.relevance]
    some = write(write(tmp_path / "some.jsonl", tune[::2], "tune"), outside[::2], "tune")
    more = write(write(tmp_path / "more.jsonl", tune, "tune"), outside, "tune")
    bad = write(write(tmp_path / "bad.jsonl", tune, "tune", confused=True), outside, "tune")
    with bad.open("a") as file:
        file.write("{oops\n")
    test = write(tmp_path / "test.jsonl", seed_queries("test"), "test")
    recorder = Recorder()
    with opened(seed_data) as loader:
        live, registry = LiveModel(loader.registry, loader, Unobserved()), loader.registry
        with observed_command(TelemetrySettings(), recorder.exporters()) as stages:
            refused = train(loader, bad, stages, test)
            assert refused.change is None
            assert not refused.verdict.passed
            assert "below that of fusion" in refused.card
            assert refused.quality.quarantined == {"malformed": 1}
            assert registry.ids() == [], "nothing is registered"

            first = train(loader, some, stages, test)
            assert first.change is not None
            one = first.change.version
            assert live.now().card.name == "fusion"
            assert live.challenger is not None
            promote(loader, one, ADA, stages)
            assert live.now().card.version == one

            second = train(loader, more, stages, test, force=True)  # it may be hardly better
            assert second.change is not None
            two = second.change.version
            assert one in second.evaluation.comparisons, "it is compared with the champion"
            promote(loader, two, ADA, stages, force=True)
            roll_back(loader, ADA, stages)
            assert live.now().card.version == one
        trained = (TRAIN, *TO_THE_GATE, REGISTER)
        assert trees(recorder) == [
            (TRAIN, *TO_THE_GATE), trained, (PROMOTE,), trained, (PROMOTE,), (ROLL_BACK,),
        ]  # fmt: skip
        names = frozenset({*trained, PROMOTE, ROLL_BACK, "SELECT"})
        assert testing.violations(recorder, v.VOCABULARY, names) == []
        expected = {name for name in v.VOCABULARY.attributes if name.startswith(OF_TRAINING)}
        assert expected - emitted(recorder) == set()
        assert {v.TRAINING_ROWS, v.TRAININGS} <= set(recorder.measured())
        card = registry.card(two)
        assert len(card["trace_id"]) == 32
        assert card["champion"] == one
        assert "| BM25 |" in registry.read(two)[1][READABLE_CARD].decode()
        forced = train(loader, bad, Unobserved(), test, force=True).change
        assert forced is not None
        assert forced.forced
    with opened(open_copy(seed_data, tmp_path / "copy")) as loader:
        lines = more.read_text().splitlines(keepends=True)
        more.write_text("".join(reversed(lines)))
        again = train(loader, more, Unobserved(), test, force=True).change
        assert again is not None
        assert again.version.split("-")[1] == two.split("-")[1], "the same bytes, in any order"


def open_copy(data: Path, folder: Path) -> Path:
    """The same catalogue in another data folder, without its models."""
    folder.mkdir()
    (folder / "catalogue.db").write_bytes((data / "catalogue.db").read_bytes())
    return folder


def test_too_little_is_refused_with_what_is_needed(seed_data: Path, tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", seed_queries("tune")[:5], "tune")
    test = write(tmp_path / "test.jsonl", seed_queries("test")[:5], "test")
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_text('{"text": "tides", "relevance": {"no-such-document": 1}}\n')
    with opened(seed_data) as loader:
        with pytest.raises(CannotTrain, match="5 judged queries with candidates; at least 10"):
            train(loader, few, Unobserved(), test)
        with pytest.raises(CannotTrain, match="not used: 1 unknown-document"):
            train(loader, foreign, Unobserved(), test)


class Rewriting(Unobserved):
    """Gives every passage another key before the features are computed."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def observe(self, *named: object) -> AbstractContextManager[Stage]:
        if COMPUTE_FEATURES in named:
            with opened(self._data) as loader:
                assert loader.catalogue.analyse_again()
        return super().observe(*named)


def test_documents_may_be_written_meanwhile(seed_data: Path, tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", seed_queries("tune")[:5], "tune")
    test = write(tmp_path / "test.jsonl", seed_queries("test")[:5], "test")
    with opened(seed_data) as loader, pytest.raises(CannotTrain, match="5 judged queries with"):
        train(loader, few, Rewriting(seed_data), test)
