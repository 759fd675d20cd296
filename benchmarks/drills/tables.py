"""The tables of a round of drills."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from benchmarks.drills.faults import FAULTS, tuning
from benchmarks.drills.record import CLEAN
from benchmarks.drills.score import TWO, Result
from benchmarks.drills.switched import TUNED

Row = Mapping[str, object]


def by_class(results: Sequence[Result]) -> list[Row]:
    """A row for each class, for all faults, and for both halves of them."""
    classes: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        classes[each.group].append(each)
    single = [each for each in results if each.group not in (CLEAN, TWO)]
    fixed = tuning() | TUNED
    rows = [_row(name, classes[name]) for name in sorted(classes) if name not in (CLEAN, TWO)]
    rows += [
        _row("all faults", single),
        _row("those that rules were fixed on", [e for e in single if e.entry.fault in fixed]),
        _row("those that only score", [e for e in single if e.entry.fault not in fixed]),
        _row("two faults at once (both among four)", classes[TWO], 4),
    ]
    quiet = classes[CLEAN]
    rows.append({
        "class": "no fault: “nothing unusual”", "drills": len(quiet),
        "first": sum(each.rank == 1 for each in quiet), "first, %": _percent(quiet, 1),
    })  # fmt: skip
    return [row for row in rows if row["drills"]]


def _row(name: str, results: Sequence[Result], most: int = 1) -> Row:
    paths = [each.path for each in results if each.path is not None]
    after = [each.found_after for each in results if each.found_after is not None]
    return {
        "class": name,
        "drills": len(results),
        "first": sum(each.rank is not None and each.rank <= most for each in results),
        "first, %": _percent(results, most),
        "among three": sum(each.rank is not None and each.rank <= 3 for each in results),
        "path right": f"{sum(paths)} of {len(paths)}" if paths else "–",
        "diagnosed after, s": f"{median(after):g}" if after else "–",
    }


def by_fault(results: Sequence[Result]) -> list[Row]:
    """A row for each fault: ranks by seed, and the alert whose condition was met first."""
    faults: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        if each.group != CLEAN:
            faults[each.entry.fault].append(each)
    rows: list[Row] = []
    for name, every in sorted(faults.items(), key=lambda each: (each[1][0].group, each[0])):
        every.sort(key=lambda each: each.entry.seed)
        after = [each.found_after for each in every if each.found_after is not None]
        rows.append({
            "fault": f"{name} (from outside)" if name in FAULTS else name,
            "class": every[0].group,
            "ranks": " ".join(str(each.rank or "–") for each in every),
            "path right": _paths(every),
            "diagnosed after, s": f"{median(after):g}" if after else "–",
            "alert, after s": _alert(every),
        })  # fmt: skip
    return rows


def misses(results: Iterable[Result]) -> list[str]:
    """What was named instead, for drills whose cause was not first."""
    return [
        f"{each.entry.fault} (seed {each.entry.seed}): {'; '.join(each.suspects[:4]) or 'nothing'}"
        + (f" [{each.entry.failure}]" if each.entry.failure else "")
        for each in results
        if each.rank is None or each.rank > (4 if each.group == TWO else 1)
    ]


def _paths(results: Sequence[Result]) -> str:
    paths = [each.path for each in results if each.path is not None]
    return f"{sum(paths)} of {len(paths)}" if paths else "–"


def _alert(results: Sequence[Result]) -> str:
    """The one that was met in most drills, the earliest of those."""
    times: dict[str, list[float]] = defaultdict(list)
    for each in results:
        for title, after in each.alerts.items():
            times[title].append(after)
    if not times:
        return "–"
    title, first = min(times.items(), key=lambda each: (-len(each[1]), median(each[1])))
    return f"{title}, {median(first):g}"


def _percent(results: Sequence[Result], most: int) -> str:
    if not results:
        return "–"
    first = sum(each.rank is not None and each.rank <= most for each in results)
    return f"{100 * first / len(results):.0f}"
