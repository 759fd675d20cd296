"""The `Leg` protocol: a further way to score passages, besides lexical, dense and latent.

These three legs are part of the catalogue's index. To add another one, write a class with this
protocol and return it from `app.composition.further_legs`: it then nominates candidates, and has
its scores in every response's reasons, its weight in the fusion and its features in the trained
model (which must be trained again).
"""

from typing import Protocol

from app.recommend.types import Floats, Keys, Probe


class Leg(Protocol):
    """One way to score passages for a query."""

    @property
    def name(self) -> str:
        """The leg's name in responses: one word, not one of `types.LEGS`."""

    @property
    def weight(self) -> float:
        """Weight in the fused score, in (0, 1); the other legs share the rest."""

    def scores(self, probe: Probe, keys: Keys) -> Floats:
        """Scores (n,) in [0, 1] of the passages with these keys (n,), which are ascending.

        0 for passages unknown to the leg. Called once per query, from any thread.
        """
