"""Generates the alert rules of Prometheus and of SigNoz from objectives.yaml and alerts.yaml.

python -m slo            writes them
python -m slo --check    writes nothing; ends with 1 where a file is stale, 2 where one is invalid
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from slo import prometheus_rules, signoz_rules
from slo.objectives import Plan, read
from slo.openslo import InvalidDeclaration

ROOT = Path(__file__).parents[1]
PROMETHEUS = "slo/prometheus/rules.yaml"


def generated(plan: Plan) -> dict[str, str]:
    """The contents of every file, by its path."""
    files = {PROMETHEUS: prometheus_rules.rules(plan)}
    return files | {
        f"signoz/rules/{each.name}.json": signoz_rules.rule(each, plan)
        for each in plan.everything()
    }


def stale(files: Mapping[str, str], root: Path) -> list[str]:
    """The files that differ from what would be generated, are missing, or belong to no alert."""
    there = {str(path.relative_to(root)): path for path in root.glob("signoz/rules/*.json")}
    there[PROMETHEUS] = root / PROMETHEUS
    return sorted(
        name
        for name in files.keys() | there.keys()
        if name not in files
        or not (root / name).exists()
        or (root / name).read_text("utf-8") != files[name]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(
        prog="python -m slo", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(arguments).check
    try:
        files = generated(read())
    except InvalidDeclaration as error:
        print(error, file=sys.stderr)
        return 2
    for name in (found := stale(files, ROOT)):
        if check:
            print(f"{name} is stale: make docs")
        elif name in files:
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(files[name], "utf-8")
        else:
            (ROOT / name).unlink()
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
