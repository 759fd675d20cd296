"""Evaluates PromQL over series of the store, as far as the rules of `slo/` use it.

A query runs twice: once with a `Demand`, which only records the windows that the query reads, so
that one SQL statement can read them all, and once with what was read.

Counters are OpenTelemetry's: a series starts at 0 and its start time is stored. So `increase` is
exact, where Prometheus extrapolates and misses a series' first value. Anything not listed here
raises Unsupported; nothing is evaluated approximately.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf, isnan, nan
from typing import Any, Protocol

import promql_parser as ast

LOOKBACK = 300.0
"""Seconds in which the newest point of a series is its value now."""
NAME = "__name__"
Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
NO_LABELS: Labels = frozenset()


class Unsupported(Exception):
    """The query uses a part of PromQL that is not evaluated here, or is not PromQL."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Label matchers as (operator, label, value); the metric's name is the label `__name__`."""

    matchers: tuple[tuple[str, str, str], ...]

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether all matchers accept the labels; a missing label counts as empty."""
        return all(_accepts(*matcher, labels) for matcher in self.matchers)


@dataclass(frozen=True, slots=True)
class Window:
    """The points of one series in a window that excludes its start; times in seconds."""

    last: float
    """The newest value in it."""
    time: float
    least: float
    most: float
    increase: float
    """Of a counter: from the start of the window to its end."""


class Source(Protocol):
    """Where windows of series come from."""

    def window(self, selector: Selector, start: float, end: float) -> Mapping[Labels, Window]:
        """The series with points in the window; times in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Records what is read, and finds nothing."""

    windows: dict[Selector, set[tuple[float, float]]] = field(default_factory=dict)

    def window(self, selector: Selector, start: float, end: float) -> Mapping[Labels, Window]:
        """No series."""
        self.windows.setdefault(selector, set()).add((start, end))
        return {}

    def add(self, queries: Iterable[tuple[str, Iterable[float]]]) -> None:
        """Record the windows that queries read at their times.

        Raises:
            Unsupported: see the module; windows may have been recorded.

        """
        for query, times in queries:
            for at in times:
                evaluate(query, at, self)


def evaluate(query: str, at: float, source: Source) -> Vector:
    """The query's vector at a time, in seconds since 1970; a scalar has no labels.

    Raises:
        Unsupported: see the module.

    """
    value = _Evaluation(source, float(at)).value(parsed(query))
    return {NO_LABELS: value} if isinstance(value, float) else value


def selectors(query: str) -> list[Selector]:
    """The query's selectors in order.

    Raises:
        Unsupported: it is not PromQL.

    """
    found: list[Selector] = []

    def visit(node: ast.Expr) -> bool:
        if isinstance(node, ast.VectorSelector):
            found.append(_selector(node))
        elif isinstance(node, ast.MatrixSelector):
            found.append(_selector(node.vector_selector))
        return True

    ast.walk(parsed(query), visit)
    return list(dict.fromkeys(found))


@lru_cache(256)
def parsed(query: str) -> ast.Expr:
    """The syntax tree.

    Raises:
        Unsupported: it is not PromQL.

    """
    try:
        tree: ast.Expr = ast.parse(query)
    except ValueError as error:
        raise Unsupported(f"not PromQL: {error}") from error
    return tree


@dataclass(frozen=True, slots=True)
class _Evaluation:
    source: Source
    at: float

    def value(self, node: Any) -> Vector | float:
        while isinstance(node, ast.ParenExpr):
            node = node.expr
        if isinstance(node, ast.NumberLiteral):
            return float(node.val)
        if isinstance(node, ast.VectorSelector):
            return {labels: each.last for labels, each in self._instant(node).items()}
        if isinstance(node, ast.AggregateExpr):
            return _aggregate(node, self.vector(node.expr))
        if isinstance(node, ast.Call | ast.BinaryExpr):
            return self._call(node) if isinstance(node, ast.Call) else self._binary(node)
        raise Unsupported(f"{type(node).__name__} is not evaluated here")

    def vector(self, node: Any) -> Vector:
        value = self.value(node)
        if isinstance(value, float):
            raise Unsupported("a vector is expected where there is a scalar")
        return value

    def _instant(self, node: Any) -> Mapping[Labels, Window]:
        end = self.at - _seconds(node.offset)
        return self.source.window(_selector(node), end - LOOKBACK, end)

    def _range(self, node: Any) -> tuple[Mapping[Labels, Window], float]:
        """The windows of a range, and its length in seconds."""
        if not isinstance(node, ast.MatrixSelector):
            raise Unsupported("only a range of a selector is evaluated here")
        selected, length = node.vector_selector, _seconds(node.range)
        end = self.at - _seconds(selected.offset)
        return self.source.window(_selector(selected), end - length, end), length

    def _call(self, node: Any) -> Vector | float:
        name, args = node.func.name, node.args
        match name:
            case "time":
                return self.at
            case "vector":
                return {NO_LABELS: _scalar(self.value(args[0]))}
            case "timestamp" if isinstance(args[0], ast.VectorSelector):
                found = self._instant(args[0])
                return {_unnamed(labels): each.time for labels, each in found.items()}
            case "timestamp":
                return {_unnamed(labels): self.at for labels in self.vector(args[0])}
            case "histogram_quantile":
                return _quantile(_scalar(self.value(args[0])), self.vector(args[1]))
        return self._of_range(name, args[0])

    def _of_range(self, name: str, node: Any) -> Vector:
        """The call of a function of a range."""
        match name:
            case "rate" | "increase":
                found, length = self._range(node)
                per = length if name == "rate" else 1.0
                return {_unnamed(labels): each.increase / per for labels, each in found.items()}
            case "absent_over_time":
                return {} if self._range(node)[0] else {NO_LABELS: 1.0}
            case "max_over_time" | "min_over_time":
                return self._over_time(node, largest=name.startswith("max"))
        raise Unsupported(f"the function {name} is not evaluated here")

    def _over_time(self, node: Any, *, largest: bool) -> Vector:
        if not isinstance(node, ast.SubqueryExpr):
            found = self._range(node)[0].items()
            return {_unnamed(key): each.most if largest else each.least for key, each in found}
        if node.step is None or node.offset is not None or node.at is not None:
            raise Unsupported("a subquery must have a step, and no offset")
        step, best = _seconds(node.step), (max if largest else min)
        first = (self.at - _seconds(node.range)) // step + 1  # as in Prometheus: multiples of it
        result: Vector = {}
        for number in range(int(first), int(self.at // step) + 1):
            for labels, value in _Evaluation(self.source, number * step).vector(node.expr).items():
                result[_unnamed(labels)] = best(value, result.get(_unnamed(labels), value))
        return result

    def _binary(self, node: Any) -> Vector | float:
        if node.modifier is not None and (node.modifier.matching or node.modifier.return_bool):
            raise Unsupported("on, ignoring, group_left and bool are not evaluated here")
        sign, left, right = str(node.op), self.value(node.lhs), self.value(node.rhs)
        if sign in _SETS:
            if isinstance(left, float) or isinstance(right, float):
                raise Unsupported(f"{sign} needs two vectors")
            return _SETS[sign](left, right)
        if sign in ARITHMETIC:
            return _arithmetic(ARITHMETIC[sign], left, right)
        if sign in COMPARISONS and not isinstance(left, float):
            return _filtered(COMPARISONS[sign], left, right)
        raise Unsupported(f"{sign} is not evaluated here")


def _divided(one: float, other: float) -> float:
    return one / other if other else nan if not one or isnan(one) else inf if one > 0 else -inf


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "count": lambda values: float(len(values)),
    "avg": lambda values: sum(values) / len(values),
}


def _and(left: Vector, right: Vector) -> Vector:
    there = {_unnamed(labels) for labels in right}
    return {labels: value for labels, value in left.items() if _unnamed(labels) in there}


def _or(left: Vector, right: Vector) -> Vector:
    there = {_unnamed(labels) for labels in left}
    return left | {key: value for key, value in right.items() if _unnamed(key) not in there}


def _unless(left: Vector, right: Vector) -> Vector:
    there = {_unnamed(labels) for labels in right}
    return {labels: value for labels, value in left.items() if _unnamed(labels) not in there}


_SETS = {"and": _and, "or": _or, "unless": _unless}


def _arithmetic(
    operate: Callable[[float, float], float], left: Vector | float, right: Vector | float
) -> Vector | float:
    if isinstance(left, float):
        if isinstance(right, float):
            return operate(left, right)
        return {_unnamed(labels): operate(left, value) for labels, value in right.items()}
    if isinstance(right, float):
        return {_unnamed(labels): operate(value, right) for labels, value in left.items()}
    others = {_unnamed(labels): value for labels, value in right.items()}
    return {
        _unnamed(labels): operate(value, others[_unnamed(labels)])
        for labels, value in left.items()
        if _unnamed(labels) in others
    }


def _filtered(
    compare: Callable[[float, float], bool], left: Vector, right: Vector | float
) -> Vector:
    if isinstance(right, float):
        return {labels: value for labels, value in left.items() if compare(value, right)}
    others = {_unnamed(labels): value for labels, value in right.items()}
    return {
        labels: value
        for labels, value in left.items()
        if _unnamed(labels) in others and compare(value, others[_unnamed(labels)])
    }


def _aggregate(node: Any, vector: Vector) -> Vector:
    sign, by = str(node.op), node.modifier
    if sign not in AGGREGATES or node.param is not None:
        raise Unsupported(f"{sign} is not evaluated here")
    if by is not None and by.type != ast.AggModifierType.By:
        raise Unsupported("without is not evaluated here")
    kept = set(by.labels) if by is not None else set()
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        key = frozenset((name, text) for name, text in labels if name in kept)
        groups.setdefault(key, []).append(value)
    return {labels: float(AGGREGATES[sign](values)) for labels, values in groups.items()}


def _quantile(quantile: float, vector: Vector) -> Vector:
    """Interpolates linearly within a bucket; beyond the last bound it is that bound."""
    histograms: dict[Labels, list[tuple[float, float]]] = {}
    for labels, count in vector.items():
        rest = frozenset(each for each in labels if each[0] not in ("le", NAME))
        bound = next((float(text) for name, text in labels if name == "le"), inf)
        histograms.setdefault(rest, []).append((bound, count))
    found = {
        labels: quantile_of(quantile, sorted(buckets)) for labels, buckets in histograms.items()
    }
    return {labels: value for labels, value in found.items() if not isnan(value)}


def quantile_of(quantile: float, buckets: Sequence[tuple[float, float]]) -> float:
    """From (upper bound, cumulative count) in order; nan without measurements."""
    total = buckets[-1][1] if buckets else 0
    if not total:
        return nan
    rank, below, before = quantile * total, 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if bound == inf:
                return below
            share = (rank - before) / (count - before) if count > before else 1.0
            return below + (bound - below) * share
        below, before = bound, count
    return below


def _selector(node: Any) -> Selector:
    if node.at is not None or node.matchers.or_matchers:
        raise Unsupported("@ and or between matchers are not evaluated here")
    matchers = [
        (_OPERATORS[str(each.op)], each.name, each.value) for each in node.matchers.matchers
    ]
    if node.name:
        matchers.insert(0, ("=", NAME, node.name))
    return Selector(tuple(matchers))


_OPERATORS = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}


def _accepts(sign: str, label: str, value: str, labels: Mapping[str, str]) -> bool:
    found = labels.get(label, "")
    if sign in ("=", "!="):
        same = float(found) == float(value) if label == "le" and found else found == value
        return same is (sign == "=")
    return bool(re.fullmatch(value, found)) is (sign == "=~")


def _unnamed(labels: Labels) -> Labels:
    return frozenset(each for each in labels if each[0] != NAME)


def _seconds(duration: Any) -> float:
    return float(duration.total_seconds()) if duration is not None else 0.0


def _scalar(value: Vector | float) -> float:
    if not isinstance(value, float):
        raise Unsupported("a scalar is expected where there is a vector")
    return value
