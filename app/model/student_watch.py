"""Watches the student: compares its query vectors with its teacher's, for a share of the answers.

A student that is wrong answers as quickly as a right one: after the catalogue has changed, with
another way to split words, or damaged in memory. It runs in a thread of its own. The teacher is
loaded at the first comparison (90 MB); a query takes it about 8 ms.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from app.catalogue.index import CatalogueIndex, SnapshotIndex
from app.model.sampled_work import SampledWork
from app.recommend.dense import unit
from app.recommend.stages import COMPARE_STUDENT, StageObserver
from app.recommend.student import StudentEmbedder
from app.recommend.types import Floats, Keys, Probe, Query

CUT = 10


@dataclass(frozen=True, slots=True)
class StudentComparison:
    """A query's vector as it was used, and as its teacher would have made it.

    `cosine`: of both, without the static embeddings that the student's vector contains too.
    `overlap`: fraction of the dense leg's first ten documents that both have. None if the teacher
    failed. `trace`: W3C traceparent of the request.
    """

    name: str
    hash: str
    cosine: float | None = None
    overlap: float | None = None
    failure: Exception | None = None
    trace: str = ""


def compare(
    student: StudentEmbedder, index: SnapshotIndex, query: Query, used: Floats, trace: str = ""
) -> StudentComparison:
    """Compare the vector (d,) that was `used` for a query with the teacher's. Does not raise."""
    try:
        probe = index.with_embedder(student.by_teacher()).probe(query)
        first, other = (
            _nearest(index, replace(probe, terms={}, dense=each, latent=0 * probe.latent))
            for each in (used, probe.dense)
        )
    except Exception as error:  # noqa: BLE001 - it is what is watched for
        return StudentComparison(student.name, student.hash, failure=error, trace=trace)
    most = max(len(first), len(other))
    shared = len(np.intersect1d(first, other, assume_unique=True))
    width = student.teacher_width
    cosine = float(unit(used[:width]) @ unit(probe.dense[:width]))
    overlap = shared / most if most else 1.0
    return StudentComparison(student.name, student.hash, cosine, overlap, trace=trace)


def _nearest(index: SnapshotIndex, probe: Probe) -> Keys:
    """The first documents of the dense leg."""
    found = index.retrieve(probe, CUT, frozenset())
    return found.keys[np.argsort(-found.dense, kind="stable")[:CUT]]


class StudentWatch(SampledWork[tuple[Query, Floats, str]]):
    """Compares for a `share` of the answers. `trace`: the traceparent of the current request."""

    def __init__(
        self,
        share: float,
        student: StudentEmbedder,
        index: CatalogueIndex,
        stages: StageObserver,
        trace: Callable[[], str] = lambda: "",
    ) -> None:
        super().__init__("student", share, self._compare)
        self._student, self._index = student, index
        self._stages, self._trace = stages, trace

    def answered(self, query: Query, used: Floats) -> None:
        """Compare soon, if it is this answer's turn; `used`: the query's vector (d,)."""
        self.offer(lambda: (query, used, self._trace()))

    def _compare(self, item: tuple[Query, Floats, str]) -> None:
        query, used, trace = item
        with self._stages.observe(COMPARE_STUDENT) as stage:
            stage.result = compare(self._student, self._index.now(), query, used, trace)
