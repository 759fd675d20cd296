"""Drift: do the latest queries and answers still look like the model's reference profile?

A sliding window of the last WINDOW requests is compared with the profile every STEP requests. A
feature has drifted if the difference is large and is no chance:

- population stability index of the binned distributions: sum of (p - q) ln(p / q)
- two-sample chi-square test on the same bins; for categories, of the most different one against
  the others, because one category of twenty may vanish. Bonferroni over features and categories.

Each distinct query counts once in the window: a popular query, or a program that repeats one, is no
drift, and what is repeated is no further evidence. Memory is bounded by the window.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from app.recommend.observation import Observation
from app.recommend.reference_profile import CATEGORY, FEATURES, Profile, Values
from app.recommend.types import ModelCard

WINDOW, STEP = 500, 50
"""Requests of the window, and from one evaluation to the next."""
MIN_REQUESTS, MIN_DISTINCT = 200, 30
"""Requests, and distinct queries, that a window needs to be evaluated."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a feature has drifted, and when that is an alarm."""

    psi: float = 0.25
    """Minimum population stability index; by convention a large change."""
    category_psi: float = 0.1
    """The same for categories: one of twenty that vanishes adds no more."""
    significance: float = 0.01
    """Maximum p, after the correction for the number of tests."""
    confirmed: int = 2
    """Evaluations in a row that must agree before drift starts or ends."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How much one feature differs from the reference. `p`: corrected for the number of tests."""

    psi: float
    p: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class DriftReport:
    """An evaluation of the window.

    `requests`: its size; `distinct`: its distinct queries. `centroid_distance`: 1 minus the cosine
    of their centroid to the reference's; `spread`: as the profile's. `drifting`: confirmed by
    several evaluations; `changed`: it was not so before this one.
    """

    model: ModelCard
    requests: int
    distinct: int
    features: Mapping[str, FeatureDrift]
    centroid_distance: float
    spread: float
    drifting: bool
    changed: bool

    @property
    def drifted(self) -> tuple[str, ...]:
        """The features that differ in this window, the most different first."""
        found = [name for name, each in self.features.items() if each.drifted]
        return tuple(sorted(found, key=lambda name: -self.features[name].psi))


@dataclass(slots=True)
class DriftDetector:
    """The window of one version of the model. Not thread-safe."""

    model: ModelCard
    profile: Profile
    limits: Limits = LIMITS
    drifting: bool = False
    _agreed: int = 0
    _since: int = 0
    _window: deque[Observation] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def add(self, observation: Observation) -> DriftReport | None:
        """Add an observation; the report if it is time for one."""
        self._window.append(observation)
        self._since += 1
        if self._since < STEP or len(self._window) < MIN_REQUESTS:
            return None
        self._since = 0
        distinct = list({each.query: each for each in self._window}.values())
        return self._report(distinct) if len(distinct) >= MIN_DISTINCT else None

    def _report(self, distinct: list[Observation]) -> DriftReport:
        profile, limits, seen = self.profile, self.limits, self.profile.count(distinct)
        features = {
            name: compare(profile.counts[name], seen[name], limits)
            for name in FEATURES
            if name != CATEGORY
        }
        features[CATEGORY] = compare_largest(profile.counts[CATEGORY], seen[CATEGORY], limits)
        mean = np.mean([each.vector for each in distinct], axis=0)
        length = float(np.linalg.norm(mean))
        towards = float(mean @ profile.centroid) / length if length else 0.0
        found = any(each.drifted for each in features.values())
        self._agreed = self._agreed + 1 if found != self.drifting else 0
        if changed := self._agreed >= limits.confirmed:
            self.drifting, self._agreed = found, 0
        return DriftReport(
            self.model, len(self._window), len(distinct), features,
            1 - towards, 1 - length, self.drifting, changed,
        )  # fmt: skip


def compare(reference: Values, window: Values, limits: Limits = LIMITS) -> FeatureDrift:
    """Compare the counts of two samples by bin (b,), all bins together."""
    from scipy.special import chdtrc  # noqa: PLC0415 - 0.1 s, needed here only

    squares, _ = _squares(reference, window)
    p = float(chdtrc(len(squares) - 1, squares.sum())) if len(squares) > 1 else 1.0
    return _judged(reference, window, p, limits.psi, limits)


def compare_largest(reference: Values, window: Values, limits: Limits = LIMITS) -> FeatureDrift:
    """The same, by the bin that differs most."""
    from scipy.special import chdtrc  # noqa: PLC0415

    squares, pooled = _squares(reference, window)
    most = float((squares / np.maximum(1 - pooled, 1e-9)).max())
    p = float(chdtrc(1, most)) * len(squares) if len(squares) > 1 else 1.0
    return _judged(reference, window, p, limits.category_psi, limits)


def _squares(reference: Values, window: Values) -> tuple[Values, Values]:
    """Of the bins that are not empty: the terms of chi-square, and the share in both samples."""
    used = reference + window > 0
    size, count = reference.sum(), window.sum()
    pooled = (reference + window)[used] / (size + count)
    difference = window[used] / count - reference[used] / size
    return difference**2 / (1 / size + 1 / count) / pooled, pooled


def _judged(
    reference: Values, window: Values, p: float, least_psi: float, limits: Limits
) -> FeatureDrift:
    found, corrected = psi(reference, window), min(p * len(FEATURES), 1.0)
    drifted = found >= least_psi and corrected <= limits.significance
    return FeatureDrift(found, corrected, drifted)


def psi(reference: Values, window: Values) -> float:
    """The population stability index of two samples' counts (b,); empty bins count one half."""
    used = reference + window > 0
    expected, seen = reference[used] + 0.5, window[used] + 0.5
    expected, seen = expected / expected.sum(), seen / seen.sum()
    return float(((seen - expected) * np.log(seen / expected)).sum())
