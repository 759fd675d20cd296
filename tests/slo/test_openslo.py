"""Reading objectives.yaml and alerts.yaml: invalid files are errors with a place."""

import shutil
from pathlib import Path

import pytest

from slo.__main__ import main
from slo.objectives import HERE, read
from slo.openslo import InvalidDeclaration

FAULTS = [
    ("kind: SLO", "kind: Slo", "objectives.yaml, document 2: the document: Input tag 'Slo'"),
    ("apiVersion: openslo/v1\nkind: SLO", "apiVersion: openslo/v2\nkind: SLO", "SLO.apiVersion"),
    ("target: 0.999", "target: 99.9", "SLO.spec.objectives.0.target: Input should be less than 1"),
    ("target: 0.999", "targets: 0.999", "SLO.spec.objectives.0.targets: Extra inputs"),
    ("name: latency", "name: Latency", "SLO.metadata.name: String should match"),
    ("duration: 30d", "duration: 30 days", "SLO.spec.timeWindow.0.duration"),
    ("good:", "better:", "SLO.spec.indicator.spec.ratioMetric.better: Extra inputs"),
    ("alertPolicyRef: slow", "alertPolicyRef: none", "SLO availability: alertPolicies must be"),
    ("service: vitrine", "service: another", "SLO availability: no such service"),
    ("threshold: 14.4", "threshold: 0", "condition.threshold: Input should be greater than 0"),
    ("op: gt, threshold: 6", "threshold: 6", "condition.op: Field required"),
    ("targetRef: vitrine-operators", "targetRef: nobody", "AlertPolicy fast: no such notification"),
    ("vitrine/short-window: 5m, ", "", "fast needs the annotation vitrine/short-window"),
    ("kind: Service", "kind: [", "objectives.yaml is not YAML"),
    ("  for: 10m", "  for: [", "alerts.yaml is not YAML"),
    ("least-failures: ", "least-failures: x", "least-failures must be a number"),
    ("  above: 0.25", "  above: 0.25\n  at_most: 1", "high-latency: Value error, give either"),
    ("  for: 10m", "  hold: 10m", "high-latency.for: Field required"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "instead", "message"), FAULTS)
def test_a_fault_is_named(tmp_path: Path, text: str, instead: str, message: str) -> None:
    for name in ("objectives.yaml", "alerts.yaml"):
        shutil.copy(HERE / name, tmp_path)
    [path] = [each for each in tmp_path.iterdir() if text in each.read_text()]
    path.write_text(path.read_text().replace(text, instead, 1))
    with pytest.raises(InvalidDeclaration) as refused:
        read(tmp_path)
    assert message in str(refused.value)


@pytest.mark.parametrize("missing", ["objectives.yaml", "alerts.yaml"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    for name in {"objectives.yaml", "alerts.yaml"} - {missing}:
        shutil.copy(HERE / name, tmp_path)
    with pytest.raises(InvalidDeclaration, match=f"{missing} can't be read: No such file"):
        read(tmp_path)


def test_the_check_reports_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise InvalidDeclaration("objectives.yaml is not YAML")

    monkeypatch.setattr("slo.__main__.read", broken)
    assert main(["--check"]) == 2
    assert "objectives.yaml is not YAML" in capsys.readouterr().err
