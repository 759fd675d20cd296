"""`make drills` and `make drill FAULT=…`: faults, one after another, and what diagnose says.

The service and its observatory run on free ports, with the usual traffic. The table goes to
standard output, and to benchmarks/results/drills.json without --fault.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.drills.faults import FAULTS, tuning
from benchmarks.drills.record import record
from benchmarks.drills.score import Result, score
from benchmarks.drills.switched import ALL, SWITCHED

RESULTS = Path(__file__).parents[1] / "results" / "drills.json"
SETS = {
    "all": list(ALL),
    "tuning": sorted(tuning()),
    "held-out": sorted(set(FAULTS) - tuning()),
    "switched": list(SWITCHED),
}


def main(  # noqa: PLR0913, PLR0917  each is an option of the command
    fault: Annotated[list[str] | None, typer.Option(help="only these; all without it")] = None,
    chosen: Annotated[str, typer.Option("--set", help=f"one of {', '.join(SETS)}")] = "all",
    seconds: Annotated[float, typer.Option(help="of the baseline, and of the fault")] = 12,
    clean: Annotated[int, typer.Option(help="windows without a fault")] = 4,
    seed: Annotated[int, typer.Option(help="of the order and the traffic")] = 1,
    ledger: Annotated[Path | None, typer.Option(help="score this one, of an earlier round")] = None,
    clickhouse: Annotated[str, typer.Option(help="URL of the observatory of that round")] = "",
) -> None:
    """Drive faults, diagnose each, and print the table."""
    if ledger is not None:
        results = score(ledger, clickhouse)
    else:
        with tempfile.TemporaryDirectory() as folder:
            names = fault or SETS[chosen]
            results = record(Path(folder), names, seconds, seed, 0 if fault else clean)
    print(table(results))
    if not fault:
        RESULTS.write_text(json.dumps(_figures(results), indent=1) + "\n")


def table(results: Sequence[Result]) -> str:
    """Markdown: one row for each drill, then one for each class."""
    lines = ["| fault | class | rank | path | named first |", "|---|---|---|---|---|"]
    for each in sorted(results, key=lambda r: (r.group, r.fault)):
        path = {True: "yes", False: "no", None: "–"}[each.path]
        first = each.said[0].split(" >")[0][:60] if each.said else "nothing unusual"
        lines.append(
            f"| {each.fault} | {each.group} | {each.rank or 'missed'} | {path} | {first} |"
        )
    lines += ["", "| class | drills | first | among three | path right |", "|---|---|---|---|---|"]
    for name, count in _figures(results)["classes"].items():
        lines.append(f"| {name} | {count['drills']} | {count['first']} | {count['three']} | "
                     f"{count['paths_right']} of {count['paths']} |")  # fmt: skip
    return "\n".join(lines)


def _figures(results: Sequence[Result]) -> dict[str, dict[str, dict[str, int]]]:
    classes: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        classes[each.group].append(each)
        classes["all faults"] += [each] if each.group != "clean" else []
    return {
        "classes": {
            name: {
                "drills": len(every),
                "first": sum(each.rank == 1 for each in every),
                "three": sum(each.rank is not None and each.rank <= 3 for each in every),
                "paths": sum(each.path is not None for each in every),
                "paths_right": sum(each.path is True for each in every),
            }
            for name, every in sorted(classes.items())
        }
    }


if __name__ == "__main__":
    typer.run(main)
