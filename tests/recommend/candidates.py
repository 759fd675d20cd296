"""Candidates made of numbers, for the parts after retrieval."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from app.recommend.dense import unit
from app.recommend.topic_signal import title_hash
from app.recommend.types import Candidates, Floats

SCORE = st.floats(0, 1, width=32)


def candidates(
    lexical: Sequence[float],
    dense: Sequence[float] | None = None,
    latent: Sequence[float] | None = None,
    vectors: Floats | None = None,
    titles: Sequence[str] = (),
) -> Candidates:
    """Candidates with these scores; vectors and titles of their own where none are given."""
    count = len(lexical)
    generator = np.random.default_rng(count)
    made = unit(generator.normal(size=(count, 64)).astype(np.float32))
    names = titles or [f"title {number}" for number in range(count)]
    return Candidates(
        keys=np.arange(1, count + 1),
        lexical=np.array(lexical, np.float32),
        dense=np.array(dense if dense is not None else lexical, np.float32),
        latent=np.array(latent if latent is not None else lexical, np.float32),
        dense_vectors=made if vectors is None else vectors,
        latent_vectors=made,
        titles=np.array([title_hash(name) for name in names], np.uint64),
    )


@st.composite
def any_candidates(draw: st.DrawFn) -> Candidates:
    """Up to 60 candidates with any scores."""
    rows = draw(st.lists(st.tuples(SCORE, SCORE, SCORE), max_size=60))
    lexical, dense, latent = zip(*rows, strict=True) if rows else ((), (), ())
    return candidates(lexical, dense, latent)
