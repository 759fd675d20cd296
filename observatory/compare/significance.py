"""Tests and effects of 2x2 tables: how many requests of either set have a fact.

Chance is controlled for all tests together (family-wise): the probability that any fact at all is
named for two sets of the same kind is at most the level, however the facts depend on each other.
This is Bonferroni's correction with Tarone's improvement (1990, Biometrics 46): a fact that is so
rare, or so common, that its table could not reach the level does not count as a test.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, entr, gammaln

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Sizes = int | Counts | Floats
"""Requests in a set: the same for all tables, or one number for each."""
Z = 1.959963984540054
"""Of a 95 % interval."""
MAX_TERMS = 20_000
"""Of the tail of a distribution; the terms decrease geometrically."""


def mutual_information(a: Counts, b: Counts, first: Sizes, second: Sizes) -> Floats:
    """Nats by which a fact tells the sets apart; `a` of `first` requests have it, `b` of `second`.

    By the data-processing inequality no proxy of a cause has more of it than the cause. Half of the
    G statistic, per request.
    """
    total = np.asarray(first) + second
    having = a + b
    found = np.zeros(len(a))
    for cell, of_set, of_fact in (
        (a, first, having),
        (first - a, first, total - having),
        (b, second, having),
        (second - b, second, total - having),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = cell * np.log(cell * total / (np.asarray(of_set, dtype=float) * of_fact))
        found += np.where(cell > 0, ratio, 0) / total
    return np.maximum(found, 0)


def entropy(first: int, second: int) -> float:
    """Nats of not knowing which set a request is in."""
    return float(entr(np.array([first, second]) / (first + second)).sum()) if first else 0.0


def p_values(a: Counts, b: Counts, first: Sizes, second: Sizes, promising: float = 1) -> Floats:
    """Two-sided p of Fisher's exact test (twice the tail).

    Tables whose G-test is not below `promising` count as 1, which saves their computation.
    """
    statistic = 2 * (np.asarray(first) + second) * mutual_information(a, b, first, second)
    at = np.flatnonzero(chdtrc(1, statistic) < promising)
    a, b, first, second = (
        np.broadcast_to(each, len(statistic))[at] for each in (a, b, first, second)
    )
    more = a * second > b * first
    found = np.ones(len(statistic))
    drawn = np.where(more, first, second).astype(np.int64)
    tail = _tail(np.where(more, a, b), a + b, drawn, first + second)
    found[at] = np.minimum(1, 2 * tail)
    return found


def attainable(having: Counts, first: Sizes, second: Sizes) -> Floats:
    """The smallest p-value that a table can have in which `having` requests have the fact."""
    total = np.asarray(first) + second
    most, least = np.minimum(having, first), np.maximum(0, having - second)
    logs = np.minimum(
        _log_probability(most, having, first, total), _log_probability(least, having, first, total)
    )
    return np.asarray(np.minimum(1, 2 * np.exp(logs)))


def tarone_number(smallest: Floats, level: float) -> int:
    """Tarone's number: the least k for which at most k tests can reach level / k."""
    numbers = np.arange(1, len(smallest) + 1)
    reaching = np.searchsorted(np.sort(smallest), level / numbers, side="right")
    enough = np.flatnonzero(reaching <= numbers)
    return int(numbers[enough[0]]) if len(enough) else 1


def stratified_p(a: Counts, having: Counts, first: Counts, second: Counts) -> float:
    """Cochran-Mantel-Haenszel: p that a fact tells the sets apart within strata.

    Per stratum: `first` and `second` requests; `having` of both have the fact, `a` of the first.
    """
    total = first + second
    usable = (total > 1) & (first > 0) & (second > 0)
    if not usable.any():
        return 1.0
    a, having, first, second, total = (
        each[usable].astype(float) for each in (a, having, first, second, total)
    )
    expected = first * having / total
    variance = first * second * having * (total - having) / (total**2 * (total - 1))
    if variance.sum() <= 0:
        return 1.0
    distance = max(0.0, abs(float((a - expected).sum())) - 0.5)
    return float(chdtrc(1, distance**2 / variance.sum()))


def interval(a: int, first: int, b: int, second: int) -> tuple[float, float]:
    """95 % interval of the difference of shares a/first - b/second (Newcombe's hybrid score)."""
    low_a, high_a = _wilson(a, first)
    low_b, high_b = _wilson(b, second)
    share_a, share_b = a / first, b / second
    difference = share_a - share_b
    return (
        difference - float(np.hypot(share_a - low_a, high_b - share_b)),
        difference + float(np.hypot(high_a - share_a, share_b - low_b)),
    )


def _wilson(count: int, of: int) -> tuple[float, float]:
    share, squared = count / of, Z * Z / of
    centre = (share + squared / 2) / (1 + squared)
    width = Z * float(np.sqrt(share * (1 - share) / of + squared / of / 4)) / (1 + squared)
    return max(0.0, centre - width), min(1.0, centre + width)


def _tail(x: Counts, having: Counts, drawn: Counts, total: Sizes) -> Floats:
    """P(X >= x), hypergeometric: `drawn` of `total` requests, `having` of which have the fact."""
    log_first = _log_probability(x, having, drawn, total)
    term = np.ones(len(x))
    terms = term.copy()
    x = x.astype(float)
    for _ in range(MAX_TERMS):
        term = term * (having - x) * (drawn - x) / ((x + 1) * (total - having - drawn + x + 1))
        terms += term
        x = x + 1
        if not (term > 1e-12 * terms).any():
            break
    return np.asarray(np.exp(log_first + np.log(terms)))


def _log_probability(x: Counts, having: Counts, drawn: Sizes, total: Sizes) -> Floats:
    """Logarithm of the hypergeometric P(X = x)."""

    def log_choose(n: Sizes, k: Sizes) -> Floats:
        n, k = np.asarray(n), np.asarray(k)
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    rest = np.asarray(total) - having
    return (
        log_choose(having, x) + log_choose(rest, np.asarray(drawn) - x) - log_choose(total, drawn)
    )
