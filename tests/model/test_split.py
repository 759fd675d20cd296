"""Which users get the challenger: a stable share, independent of the challenger before."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from openfeature.hook import Hook, HookContext, HookHints

from app.model.live_model import LiveModel
from app.model.split import CHAMPION, Split, position
from app.recommend.fusion import Fusion
from app.recommend.serving_model import ServingModel

USERS = [f"user-{number}" for number in range(4_000)]


def live(challenger: ServingModel | None) -> Any:
    champion = ServingModel(Fusion())
    return SimpleNamespace(now=lambda: champion, challenger=challenger)


def test_the_share_is_kept_and_each_challenger_gets_other_users() -> None:
    for share in (0.01, 0.1, 0.5):
        first, second = (
            {each for each in USERS if position(each, version) < share} for version in "12"
        )
        expected, spread = share * len(USERS), 4 * (share * len(USERS)) ** 0.5
        for found in (first, second):
            assert abs(len(found) - expected) < spread
        assert abs(len(first & second) - share * expected) < spread, "independent"


@pytest.mark.parametrize(("share", "user"), [(0, "ada"), (0.5, None), (0.5, "")])
def test_otherwise_the_champion_answers(share: float, user: str | None) -> None:
    split = Split(share, cast("LiveModel", live(ServingModel(Fusion()))))
    assert split.choose(user) is None
    split.close()


def test_without_a_challenger_no_flag_is_evaluated() -> None:
    seen: list[str | None] = []
    model = live(None)
    split = Split(1, model, [Recorder(seen)])
    assert split.choose("ada") is None
    assert seen == []
    model.challenger = ServingModel(Fusion())
    chosen = split.choose("ada")
    assert chosen is not None
    assert chosen.now() is model.challenger
    assert [len(each or "") for each in seen] == [32], "a hash of the user"
    model.challenger = None
    assert chosen.now() is model.now(), "it was removed in the meantime"
    split.close()
    assert split._client.get_string_value("ranking-model", CHAMPION) == CHAMPION


class Recorder(Hook):
    """Notes the users' keys."""

    def __init__(self, keys: list[str | None]) -> None:
        self._keys = keys

    def before(self, hook_context: HookContext, hints: HookHints) -> None:  # noqa: ARG002
        self._keys.append(hook_context.evaluation_context.targeting_key)
