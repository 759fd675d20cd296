"""Vocabularies to analyse queries against."""

from dataclasses import dataclass, field

from app.recommend.index import UNKNOWN


@dataclass(frozen=True, slots=True)
class Known:
    """Knows some stems, and for some others what was probably meant."""

    stems: frozenset[str] = frozenset()
    intended: dict[str, tuple[str, str]] = field(default_factory=dict)

    def rarity(self, stem: str) -> float:
        return 0.5 if stem in self.stems else UNKNOWN

    def nearest(self, stem: str) -> tuple[str, str] | None:
        return self.intended.get(stem)
