"""The registry: each version once, roles changed atomically and logged, nothing unbounded."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from app.model import registry as module
from app.model.registry import AUDIT, STATE, NoPreviousVersion, Registry, UnknownVersion
from app.model.registry_records import BUILT_IN, Author, State
from app.recommend.artefact import ArtefactRefused
from tests.model.versions import ADA, truncate

NOTHING: dict[str, Any] = {}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def add(registry: Registry, content: str, card: str = "") -> str:
    files = {"ranker.json": content.encode(), "card.json": card.encode()}
    return registry.register(files, NOTHING, ADA, forced=False).version


def test_an_empty_registry_serves_the_built_in_model(registry: Registry) -> None:
    assert (registry.stamp(), registry.state(), registry.ids()) == (None, State(), [])
    assert not registry.folder.exists(), "reading writes nothing"


def test_the_same_content_is_one_version_whatever_its_card_says(registry: Registry) -> None:
    first, second = add(registry, "a", "measured at noon"), add(registry, "b")
    assert add(registry, "a", "measured at night") == first
    assert registry.ids() == [first, second]
    assert (first.split("-")[0], second.split("-")[0]) == ("1", "2")
    assert registry.state().challenger == first


def test_a_damaged_version_is_registered_again(registry: Registry) -> None:
    first = add(registry, "content")
    truncate(registry.folder / first / "ranker.json")
    second = add(registry, "content")
    assert first != second
    assert registry.read(second)[1]["ranker.json"] == b"content"


def test_promotions_and_rollbacks(registry: Registry) -> None:
    first, second, third = (add(registry, each) for each in "abc")
    for each in (first, second, third, third):
        registry.promote(each, ADA)
    assert registry.state() == State(third, None, (BUILT_IN, first, second), 3)
    assert registry.roll_back(lambda _: True, ADA).version == second
    assert registry.roll_back(lambda each: each != first, ADA).version == BUILT_IN
    with pytest.raises(NoPreviousVersion):
        registry.roll_back(lambda _: True, ADA)
    done = [(each.action, each.version, each.replaced) for each in registry.changes()[3:]]
    assert done == [
        ("promote", first, BUILT_IN), ("promote", second, first), ("promote", third, second),
        ("promote", third, third), ("rollback", second, third), ("rollback", BUILT_IN, second),
    ]  # fmt: skip
    assert {(each.by, each.reason) for each in registry.changes()} == {("ada", "a test")}


def test_a_rollback_to_the_challenger_leaves_none(registry: Registry) -> None:
    first, second = add(registry, "a"), add(registry, "b")
    for each in (first, second):
        registry.promote(each, ADA)
    add(registry, "a")
    registry.roll_back(lambda _: True, ADA)
    assert registry.state() == State(first, None, (BUILT_IN,), 2)


@pytest.mark.parametrize("reason", ["line one\u2028line two\u0085", "\udcff"])
def test_a_reason_may_be_any_text(registry: Registry, reason: str) -> None:
    registry.promote(add(registry, "a"), Author("ada", reason))
    assert registry.changes()[-1].reason == reason
    assert registry.state_by_audit() == registry.current_state()


def test_names_of_versions(registry: Registry) -> None:
    first = add(registry, "a")
    for name in (first, "1", first.split("-")[1]):
        assert registry.resolve(name) == first
    assert registry.resolve("fusion") == BUILT_IN
    for name in ("2", "", "1-", "../1", f"{first}/.."):
        with pytest.raises(UnknownVersion, match=first):
            registry.resolve(name)


def test_every_writing_of_the_state_is_noticed(registry: Registry) -> None:
    stamps = {registry.stamp()}
    first = add(registry, "a")
    stamps.add(registry.stamp())
    for _ in range(20):
        registry.promote(first, ADA)
        stamps.add(registry.stamp())
        registry.roll_back(lambda _: True, ADA)
        stamps.add(registry.stamp())
    assert len(stamps) == 42


def test_changes_at_once_are_made_one_after_another(registry: Registry) -> None:
    version = add(registry, "a")
    other = add(registry, "b")
    threads = [
        threading.Thread(target=registry.promote, args=((version, other)[n % 2], Author(str(n))))
        for n in range(16)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    changes = registry.changes()[2:]
    assert sorted(int(each.by) for each in changes) == list(range(16))
    champions = [BUILT_IN, *(each.version for each in changes)]
    assert [each.replaced for each in changes] == champions[:-1], "each saw the one before"


@pytest.mark.parametrize("content", ["", "{}", "null", "[]", "nonsense", "half"])
def test_a_damaged_state_is_refused_and_the_log_has_the_last_one(
    registry: Registry, content: str
) -> None:
    version = add(registry, "a")
    registry.promote(version, ADA)
    before, path = registry.state(), registry.folder / STATE
    truncate(path) if content == "half" else path.write_text(content)
    with pytest.raises(ArtefactRefused):
        registry.state()
    with (registry.folder / AUDIT).open("a") as log:
        log.write('{"broken":\n')
    assert registry.current_state() == before
    registry.promote(BUILT_IN, ADA)
    assert registry.state().previous == (BUILT_IN, version), "the next change repairs it"


def test_nothing_grows_without_bound(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_AUDIT", 5)
    monkeypatch.setattr(module, "MAX_UNUSED", 3)
    monkeypatch.setattr(module, "MAX_PREVIOUS", 2)
    versions = [add(registry, str(n)) for n in range(8)]
    assert registry.ids() == versions[4:], "three without a role, and the challenger"
    for each in versions[4:]:
        registry.promote(each, ADA)
    state = registry.state()
    assert state.previous == (versions[5], versions[6])
    assert len(registry.changes()) == 5
    assert json.loads((registry.folder / AUDIT).read_text().splitlines()[-1])["state"]
    assert add(registry, "more").startswith("9-"), "numbers are not used twice"
