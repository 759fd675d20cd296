"""Collects the evidence and ranks the suspects.

A suspect that another one explains (causes.py) is placed beneath it, with the path from the cause
to the symptom. Among the others, the score is the closeness to a root times the effect, with a
little more for those that explain more of what is seen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from observatory.diagnose.calls import calls, refusals
from observatory.diagnose.causes import CAUSES, path
from observatory.diagnose.changes import models, reloads, starts
from observatory.diagnose.machine import clock, gaps, levels, limits, waiting
from observatory.diagnose.requests import (
    contributions,
    lost_words,
    repeated,
    requests,
    shares,
)
from observatory.diagnose.stages import self_times
from observatory.diagnose.suspect import Suspect
from observatory.diagnose.traffic import traffic
from observatory.diagnose.windows import Windows

COLLECTORS: Sequence[Callable[[Windows], Iterator[Suspect]]] = (
    starts, models, reloads, calls, refusals, shares, contributions, lost_words, repeated,
    traffic, self_times, waiting, levels, limits, clock, gaps,
)  # fmt: skip
MINUTE = 60 * 10**9
OWN_CAUSE, LISTED = 0.85, 4
"""Weight from which an explained suspect may be a cause of its own; it is listed if there are fewer
than so many."""
State = Literal["found", "outside", "quiet", "empty"]
"""A cause, a cause outside of this service, nothing unusual, or nothing to compare."""
_FIRST = """
SELECT toUnixTimestamp64Nano(min(time)) AS first FROM vitrine.{table}
WHERE {both} AND {now} AND attributes[{key:String}] = {value:String}
"""


_BEGAN = "SELECT toUnixTimestamp64Nano(min(time)) AS began FROM vitrine.logs WHERE {both}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is suspected, most likely first; each explains the suspects beneath it."""

    windows: Windows
    suspects: Sequence[Suspect]
    requests: tuple[int, int] = (1, 1)
    """In the baseline and in the window."""

    @property
    def state(self) -> State:
        """What the verdict says."""
        if self.suspects:
            return "outside" if self.suspects[0].outside else "found"
        return "quiet" if all(self.requests) else "empty"

    @property
    def verdict(self) -> str:
        """One sentence."""
        if not self.suspects and not all(self.requests):
            which = "the window" if self.requests[0] else "the baseline"
            return f"Nothing to compare: no request in {which}."
        if not self.suspects:
            return "Nothing unusual."
        first = self.suspects[0]
        if CAUSES[first.cause].group == "symptom":
            return f"{sentence(first)} The telemetry does not show why."
        outside = " It is not this service: look at the caller or the dependency."
        return sentence(first) + (outside if first.outside else "")


def sentence(suspect: Suspect) -> str:
    """What a suspect says, for a tired person."""
    text = CAUSES[suspect.cause].sentence.format(suspect.subject)
    return text[0].upper() + text[1:]


def diagnose(windows: Windows) -> Diagnosis:
    """Compare the windows, the baseline from its first record on. Raises what the query raises."""
    began = windows.rows(_BEGAN)[0]["began"]
    if windows.base < began < windows.start:
        windows = replace(windows, base=began)
    found = _merged(each for collect in COLLECTORS for each in collect(windows))
    roots = ranked(found)
    return Diagnosis(windows, [_dated(each, windows) for each in roots], requests(windows))


def ranked(found: Sequence[Suspect]) -> list[Suspect]:
    """Roots by score, each with the suspects that it explains.

    If there are few, those follow that a root explains, but that may be causes of their own: two
    things can break at once.
    """
    seen = frozenset(each.cause for each in found)
    scored = []
    for each in found:
        covered = sum(_leads(each, other, seen) for other in found)
        weight = CAUSES[each.cause].weight
        scored.append(each.scored(weight * (0.7 + 0.3 * each.effect) + 0.1 * covered / len(found)))
    scored.sort(key=lambda each: (CAUSES[each.cause].group == "symptom", -each.score))

    def explains(one: Suspect, other: Suspect) -> bool:
        mutual = _leads(other, one, seen)
        return _leads(one, other, seen) and (not mutual or one.score > other.score)

    found = [
        replace(
            each,
            explains=[other for other in scored if explains(each, other)],
            is_explained=any(explains(other, each) for other in scored),
        )
        for each in scored
    ]
    roots = [each for each in found if not each.is_explained]
    others = [e for e in found if e.is_explained and CAUSES[e.cause].weight >= OWN_CAUSE]
    return roots + others[: max(0, LISTED - len(roots))]


def causal_path(root: Suspect, symptom: Suspect) -> Sequence[str]:
    """From the cause to what it explains: before each step the nearest cause that was seen."""
    seen = frozenset(each.cause for each in root.explains)
    trail = [symptom.cause]
    while trail[0] != root.cause:
        nearer = [
            each
            for each in seen
            if trail[0] in CAUSES[each].explains
            and CAUSES[each].weight > CAUSES[trail[0]].weight
            and _known_path(root.cause, each, seen)
        ]
        if not nearer and trail[0] not in CAUSES[root.cause].explains:
            return path(root.cause, symptom.cause, seen)
        nearest = min(nearer, key=lambda each: (CAUSES[each].weight, each), default=root.cause)
        trail.insert(0, nearest)
    return trail


def _known_path(cause: str, symptom: str, seen: frozenset[str]) -> bool:
    return cause == symptom or bool(path(cause, symptom, seen))


def _leads(one: Suspect, other: Suspect, seen: frozenset[str]) -> bool:
    return one.cause != other.cause and bool(path(one.cause, other.cause, seen))


def _merged(found: Iterator[Suspect]) -> list[Suspect]:
    """One suspect for each cause and subject, with all evidence; locks and limits as one."""
    merged: dict[str, Suspect] = {}
    for each in found:
        single = each.cause in ("lock_wait", "storage_failing", "catalogue_changed",
                                "dependency_empty", "telemetry_lost", "model_changed",
                                "model_failing")  # fmt: skip
        key = each.cause if single else each.key
        if each.cause == "dependency_failing":  # seen in calls and in stages
            key = f"{each.cause}:{each.subject.split()[0]}"
        if (known := merged.get(key)) is None:
            merged[key] = each
            continue
        best = max(known, each, key=lambda s: (s.subject != "database", s.effect))
        merged[key] = replace(
            best,
            evidence=(*known.evidence, *each.evidence),
            effect=max(known.effect, each.effect),
        )
    return list(merged.values())


def _dated(suspect: Suspect, windows: Windows) -> Suspect:
    """With the first bad minute."""
    first = suspect.first_bad
    key, equals, value = suspect.attribute.partition("=")
    if not first and equals and key != "name":
        for table in ("logs", "spans"):
            rows = windows.rows(_FIRST.replace("{table}", table), key=key, value=value)
            if rows and rows[0]["first"] >= windows.start:
                first = rows[0]["first"]
                break
    return replace(suspect, first_bad=first - first % MINUTE)
