"""A comparison as sentences, and as JSON."""

from collections.abc import Iterator
from typing import Any

from observatory.compare.comparison import Comparison, Finding, Side, Statement
from observatory.compare.fact import Fact


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The result as a JSON object."""
    return {
        "first": _side(comparison.first),
        "second": _side(comparison.second),
        "sampled": comparison.sampled,
        "summary": summary(comparison),
        "findings": [_finding(each, comparison) for each in comparison.findings],
        "definition": [_statement(each, comparison) for each in comparison.definition],
        "facts": comparison.facts,
        "tests": comparison.tests,
        "pair_tests": comparison.pair_tests,
        "level": comparison.level,
        "seconds": round(comparison.seconds, 3),
    }


def as_text(comparison: Comparison) -> str:
    """The result as lines of text."""
    return "\n".join(_lines(comparison)) + "\n"


def summary(comparison: Comparison) -> str:
    """What was compared, and whether anything separates the sets."""
    first, second = comparison.first, comparison.second
    text = f"{_requests(first, 'selected')}; {_requests(second, 'other')}."
    if not (first.counted and second.counted):
        empty = "selected requests" if not first.counted else "other requests"
        return f"{text} There are no {empty} to compare: choose a wider range or fewer filters."
    if comparison.findings:
        return f"{text} {_facts(comparison)}; what follows is beyond chance."
    return (
        f"{text} {_facts(comparison)}, and nothing separates the sets beyond chance:"
        " they may differ less than so many requests can show."
    )


def sentence(statement: Statement, comparison: Comparison) -> str:
    """A finding in one sentence."""
    first, second = comparison.first.counted, comparison.second.counted
    difference, low, high = (100 * each for each in statement.difference)
    return (
        f"{_percent(statement.first, first)} of the selected requests {statement.phrase},"
        f" and {_percent(statement.second, second)} of the others"
        f" ({statement.first:,} of {first:,} and {statement.second:,} of {second:,};"
        f" difference {difference:+.3g} points, 95 % interval {low:+.3g} to {high:+.3g})."
    )


def _lines(comparison: Comparison) -> Iterator[str]:
    yield summary(comparison)
    for number, finding in enumerate(comparison.findings, 1):
        yield ""
        yield f"{number}. {sentence(finding.statement, comparison)}"
        yield f"   {_strength(finding.statement)}"
        if finding.examples:
            yield f"   Examples: {', '.join(finding.examples)}"
        if finding.related:
            phrases = "; ".join(each.phrase for each in finding.related)
            yield f"   Goes with it: {phrases}."
    if comparison.definition:
        yield ""
        yield "By definition of the sets: " + "; ".join(
            each.phrase for each in comparison.definition
        )


def _strength(statement: Statement) -> str:
    p = max(statement.adjusted_p, 1e-99)
    return (
        f"Separates {100 * statement.information:.3g} % of the sets' uncertainty;"
        f" p {'<' if p < 1e-9 else '='} {max(p, 1e-9):.2g}, corrected for all tests."
    )


def _requests(side: Side, name: str) -> str:
    if side.counted < side.requests:
        return f"{side.requests:,} {name} requests (a sample of {side.counted:,} was counted)"
    return f"{side.requests:,} {name} {'request' if side.requests == 1 else 'requests'}"


def _facts(comparison: Comparison) -> str:
    return f"{comparison.facts:,} facts and {comparison.pair_tests:,} pairs were compared"


def _percent(count: int, of: int) -> str:
    share = 100 * count / of
    if 0 < share < 0.1:
        return "less than 0.1 %"
    if 99.9 < share < 100:
        return "more than 99.9 %"
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.1f} %"


def _side(side: Side) -> dict[str, int]:
    return {"requests": side.requests, "counted": side.counted}


def _finding(finding: Finding, comparison: Comparison) -> dict[str, Any]:
    return {
        **_statement(finding.statement, comparison),
        "examples": list(finding.examples),
        "related": [_statement(each, comparison) for each in finding.related],
    }


def _statement(statement: Statement, comparison: Comparison) -> dict[str, Any]:
    difference, low, high = statement.difference
    return {
        "text": sentence(statement, comparison),
        "phrase": statement.phrase,
        "facts": [_fact(each) for each in statement.facts],
        "first": statement.first,
        "second": statement.second,
        "difference": difference,
        "interval": [low, high],
        "separation": statement.information,
        "p": statement.p,
        "adjusted_p": statement.adjusted_p,
        "filters": list(statement.filters),
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "kind": fact.kind.value,
        "subject": fact.subject,
        "test": fact.test.value,
        "value": fact.value or None,
        "threshold": fact.threshold or None,
        "text": fact.text,
    }
