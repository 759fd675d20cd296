"""Vocabularies to analyse queries against."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """Knows some stems, and for some others what was probably meant."""

    stems: frozenset[str] = frozenset()
    intended: dict[str, tuple[str, str]] = field(default_factory=dict)

    def knows(self, stem: str) -> bool:
        return stem in self.stems

    def nearest(self, stem: str) -> tuple[str, str] | None:
        return self.intended.get(stem)
