"""Makes the alert rules of SigNoz and of Prometheus of slo.yaml.

python -m signoz.objectives            writes them
python -m signoz.objectives --check    writes nothing; ends with 1 where they are stale
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from signoz import for_prometheus, for_signoz
from signoz.declared import Plan, read

ROOT = Path(__file__).parents[1]


def made(plan: Plan) -> dict[str, str]:
    """The contents of every file, by its path."""
    files = {"prometheus/rules.yaml": for_prometheus.rules(plan)}
    return files | {
        f"signoz/rules/{each.name}.json": for_signoz.rule(each, plan) for each in plan.everything()
    }


def stale(files: Mapping[str, str], root: Path) -> list[str]:
    """What is not as it would be made, or would not be made at all."""
    there = {str(path.relative_to(root)): path for path in root.glob("signoz/rules/*.json")}
    there["prometheus/rules.yaml"] = root / "prometheus" / "rules.yaml"
    return sorted(
        name
        for name in files.keys() | there.keys()
        if name not in files
        or not (root / name).exists()
        or (root / name).read_text("utf-8") != files[name]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check, files = parser.parse_args(arguments).check, made(read())
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
