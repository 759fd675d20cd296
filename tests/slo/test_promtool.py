"""Prometheus's own tool evaluates the rules over synthetic series."""

import pytest

from tests.processes import ROOT
from tests.slo.conftest import Promtool

FOLDER = ROOT / "slo" / "prometheus"


def test_rules_are_valid(promtool: Promtool) -> None:
    assert "SUCCESS" in promtool("check", "rules", "rules.yaml", folder=FOLDER)


@pytest.mark.lasting
@pytest.mark.parametrize("file", ["alerts_test.yaml", "objectives_test.yaml"])
def test_alerts_fire_when_they_should(promtool: Promtool, file: str) -> None:
    assert "SUCCESS" in promtool("test", "rules", file, folder=FOLDER)
