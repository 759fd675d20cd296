"""What answers depend on besides the catalogue: a ranking model, and calibrators of its results.

They are replaced together: an answer is made with one `ServingModel` throughout.
"""

from dataclasses import dataclass, field
from typing import Protocol

from app.recommend.ranking import RankingModel
from app.recommend.reference_profile import Profile
from app.recommend.relevance import Calibrators
from app.recommend.types import ModelCard


@dataclass(frozen=True, slots=True, eq=False)
class ServingModel:
    """One version of the model, compared by identity. `trained_at`: Unix time, if it is known.

    `profile`: what its queries and answers are compared with; None: drift is not detected.
    """

    model: RankingModel
    calibrators: Calibrators = field(default_factory=dict)
    trained_at: float | None = None
    profile: Profile | None = None

    @property
    def card(self) -> ModelCard:
        return self.model.card

    def now(self) -> "ServingModel":
        """Itself: it is also the `LiveModel` that never changes."""
        return self


class LiveModel(Protocol):
    """A model that can be replaced while the service runs."""

    def now(self) -> ServingModel:
        """The current version; a request uses one version throughout."""
