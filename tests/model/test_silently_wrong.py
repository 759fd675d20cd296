"""A silently wrong model is caught: when it is loaded, by the gate, in the shadow, by drift."""

import pytest

from benchmarks.watch import opened_seed, wrong_rows


@pytest.mark.lasting
def test_every_silently_wrong_model_is_caught() -> None:
    with opened_seed() as opened:
        rows = wrong_rows(opened)
    for row in rows:
        name, before, shadow, after = map(str, row.values())
        print(f"{name}: {before} | {shadow} | {after}")  # noqa: T201
        missed = (before == "passed", shadow.startswith("no"), after == "no")
        assert not all(missed), name
    assert len(rows) == 6
