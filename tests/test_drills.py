"""Rounds of drills: what a broken lane leaves behind."""

from pathlib import Path
from unittest.mock import MagicMock

import pytest

from benchmarks.drills import __main__ as drills
from benchmarks.drills.record import CLEAN


def test_a_job_that_breaks_is_not_stored_in_part_and_ends_the_round(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, first = tmp_path / "drills.jsonl", MagicMock()
    first.as_json.return_value = {}
    lane = MagicMock()
    lane.return_value.clean.return_value = ["one window", "another one"]
    monkeypatch.setattr(drills, "Lane", lane)
    monkeypatch.setattr(drills, "score", MagicMock(side_effect=[first, OSError("gone")]))
    with pytest.raises(OSError, match="gone"):
        drills.Round([(CLEAN, 1, 2)], 1, path).run(1, 1, tmp_path)
    assert not path.exists()
