"""A diagnosis as text and as JSON."""

from datetime import UTC, datetime
from typing import Any

from observatory.diagnose.causes import CAUSES
from observatory.diagnose.diagnosis import Diagnosis, causal_path, sentence
from observatory.diagnose.suspect import Evidence, Suspect

EXPLAINED = "(explained by one above, or a second cause)"
SHOWN = 4
"""Suspects in the text."""


def as_json(diagnosis: Diagnosis, page: str = "") -> dict[str, Any]:
    """The diagnosis; `page`: URL of the observatory's page, for links to traces."""
    windows = diagnosis.windows
    return {
        "verdict": diagnosis.verdict,
        "state": diagnosis.state,
        "baseline": [_iso(windows.base), _iso(windows.start)],
        "window": [_iso(windows.start), _iso(windows.end)],
        "suspects": [_suspect(each, page) for each in diagnosis.suspects],
    }


def as_text(diagnosis: Diagnosis, page: str = "") -> str:
    """The diagnosis for a terminal."""
    windows = diagnosis.windows
    lines = [
        diagnosis.verdict,
        f"({_clock(windows.start)} to {_clock(windows.end)}, compared with the time since "
        f"{_clock(windows.base)})",
    ]
    for number, each in enumerate(diagnosis.suspects[:SHOWN], 1):
        lines += [
            "",
            f"{number}. {sentence(each)}  [{CAUSES[each.cause].group}, score {each.score:.2f}]"
            + (f"  {EXPLAINED}" if each.is_explained else ""),
            *(f"   {_evidence(figures)}" for figures in each.evidence[:4]),
        ]
        if each.first_bad:
            lines.append(f"   first bad minute: {_clock(each.first_bad)[:5]}")
        if each.attribute:
            lines.append(f"   separates bad from good: {each.attribute}")
        traces = [trace for trace in each.traces if trace]
        if traces:
            lines.append("   examples: " + " ".join(f"{page}/trace/{trace}" for trace in traces))
        for other in each.explains:
            trail = " → ".join(causal_path(each, other))
            lines.append(f"   explains: {trail}: {_evidence(other.evidence[0])}")
    return "\n".join(lines) + "\n"


def _suspect(suspect: Suspect, page: str) -> dict[str, Any]:
    return {
        "cause": suspect.cause,
        "subject": suspect.subject,
        "class": CAUSES[suspect.cause].group,
        "sentence": sentence(suspect),
        "score": suspect.score,
        "outside": suspect.outside,
        "explained": suspect.is_explained,
        "attribute": suspect.attribute,
        "first_bad_minute": _iso(suspect.first_bad) if suspect.first_bad else None,
        "evidence": [
            {"text": _evidence(each), "before": each.before, "now": each.now}
            for each in suspect.evidence
        ],
        "traces": [f"{page}/trace/{each}" for each in suspect.traces if each],
        "explains": [
            {
                "cause": other.cause,
                "subject": other.subject,
                "sentence": sentence(other),
                "path": list(causal_path(suspect, other)),
                "evidence": [_evidence(each) for each in other.evidence],
            }
            for other in suspect.explains
        ],
    }


def _evidence(figures: Evidence) -> str:
    is_share = figures.text.startswith("of ")
    before, now = (
        f"{each:.0%}" if is_share else f"{each:.4g}" for each in (figures.before, figures.now)
    )
    return f"{now} {figures.text}; before: {before}"


def _clock(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).astimezone().strftime("%H:%M:%S")


def _iso(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="seconds")
