"""The `Leg` protocol: a further way to score passages, beside words, meaning and subject.

The three legs that every catalogue has are part of its index. Another one is a class of this shape,
named once in `app.composition.further_legs`: it nominates candidates, has its column in every
answer's reasons, its weight in the fusion and its features in the trained model (train it again).
"""

from typing import Protocol

from app.recommend.types import Floats, Keys, Probe


class Leg(Protocol):
    """One way to score passages for a query."""

    @property
    def name(self) -> str:
        """The leg's name in answers: a word, not one of `types.LEGS`."""

    @property
    def weight(self) -> float:
        """The share of the fused score that it gets, in (0, 1); the others share the rest."""

    def scores(self, probe: Probe, keys: Keys) -> Floats:
        """One score (n,) in [0, 1] for each of the passages with these keys (n,), ascending.

        0 where the leg does not know a passage. Called once a query, from any thread.
        """
