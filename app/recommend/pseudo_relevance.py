"""Pseudo-relevance feedback (Rocchio, 1971): the best candidates of a first pass stand for the
query, whose few words describe its subject less well than they do.
"""

import numpy as np

from app.recommend.dense import cosine, unit
from app.recommend.types import DECIMALS, Floats

DOCUMENTS = 5
"""Number of candidates that stand for the query."""


def similarity_to_best(vectors: Floats, scores: Floats) -> Floats:
    """Similarity (n,) of each candidate to the centre of the best ones.

    `vectors` (n, d) and `scores` (n,) of all candidates; the best are weighted by their scores.
    """
    leading = np.argsort(-np.round(scores, DECIMALS), kind="stable")[:DOCUMENTS]
    return cosine(vectors, unit(scores[leading].astype(np.float32) @ vectors[leading]))
