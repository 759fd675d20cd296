"""Where nothing is kept that is not special: what is asked for, what a canary did, what is slow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observatory.observatory_process import Observatory
from tests.stack.generated_traces import SLOW, Made, trace
from tests.stack.sampling_collector import Sampler, sampling

pytestmark = pytest.mark.lasting

CANARIES = ["20261121", "1.5+x", "12e4"]
"""Versions that YAML may take for numbers, and an expression for one."""
MODEL = "vitrine.model.version"


@pytest.fixture
def strict(otelcol: Path, tmp_path: Path, store: Observatory) -> Iterator[Sampler]:
    with sampling(otelcol, tmp_path, store, COLLECTOR_SAMPLING_PERCENTAGE=0) as sampler:
        yield sampler


def whole(made: list[Made]) -> dict[str, int]:
    return {each.trace: len(each.spans) for each in made}


def test_what_is_special_is_kept_and_nothing_else(strict: Sampler) -> None:
    special = [
        trace(about={"vitrine.debug": True}),
        trace("slow", lasts=SLOW),
        trace("failed"),
        trace("degraded"),
    ]
    plain = [
        trace(),
        trace(lasts=SLOW - 1),
        trace(about={"vitrine.debug": False}),
        trace(about={"vitrine.debug": "true"}),  # the service says it otherwise
        trace(about={MODEL: CANARIES[0]}),  # not declared as one
        trace(about={MODEL: ""}),
    ]
    strict.send([*special, *plain])
    strict.decided(len(special) + len(plain))
    assert strict.stored() == whole(special)


@pytest.mark.parametrize("canary", CANARIES)
def test_a_canary_is_the_version_as_it_stands(
    otelcol: Path, tmp_path: Path, store: Observatory, canary: str
) -> None:
    variables = {"COLLECTOR_SAMPLING_PERCENTAGE": 0, "COLLECTOR_CANARY_MODEL": canary}
    with sampling(otelcol, tmp_path, store, **variables) as sampler:
        made = trace(about={MODEL: canary})
        others = [trace(about={MODEL: each}) for each in (f"{canary}0", f"0{canary}", "", "115x")]
        sampler.send([made, *others])
        sampler.decided(1 + len(others))
        assert sampler.stored() == whole([made])


def test_another_service_has_attributes_of_its_own(
    otelcol: Path, tmp_path: Path, store: Observatory
) -> None:
    variables = {"COLLECTOR_SAMPLING_PERCENTAGE": 0, "COLLECTOR_NAMESPACE": "shop"}
    with sampling(otelcol, tmp_path, store, COLLECTOR_CANARY_MODEL="2", **variables) as sampler:
        kept = [
            trace(about=about)
            for about in (
                {"shop.debug": True}, {"shop.ranking.degraded": True}, {"shop.model.version": "2"},
            )
        ]  # fmt: skip
        other = trace(about={"vitrine.debug": True})
        sampler.send([*kept, other])
        sampler.decided(4)
        assert sampler.stored() == whole(kept)


def test_the_slow_threshold_can_be_set(otelcol: Path, tmp_path: Path, store: Observatory) -> None:
    variables = {"COLLECTOR_SAMPLING_PERCENTAGE": 0, "COLLECTOR_SLOW_MS": 100}
    with sampling(otelcol, tmp_path, store, **variables) as sampler:
        slow, fast = trace(lasts=100), trace(lasts=99)
        sampler.send([slow, fast])
        sampler.decided(2)
        assert sampler.stored() == whole([slow])
