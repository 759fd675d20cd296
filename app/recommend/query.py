"""Query analysis: what the user typed, as the terms the indexes know."""

from collections import Counter

from app.recommend.index import Vocabulary
from app.recommend.types import Query, Term
from app.recommend.words import STOP_WORDS, normalize, stem, words


class NoSearchableWords(ValueError):
    """The text has no letter or digit, so there is nothing to look for."""


def analyze(text: str, vocabulary: Vocabulary) -> Query:
    """Normalise, split, drop stop words (unless there is nothing else), stem, correct.

    A word is corrected only if no document contains it, so a correction never takes away
    a match. Raises NoSearchableWords.
    """
    text = normalize(text)
    typed = list(words(text))
    kept = [word for word in typed if word not in STOP_WORDS] or typed
    if not kept:
        raise NoSearchableWords(text)
    surfaces: dict[str, str] = {}
    counts: Counter[str] = Counter()
    corrections: dict[str, str] = {}
    unknown = 0
    for word in kept:
        term = stem(word)
        if not vocabulary.knows(term):
            nearest = vocabulary.nearest(term)
            if nearest is not None and vocabulary.knows(nearest[0]):
                term, corrections[word] = nearest
            else:
                unknown += 1
        surfaces.setdefault(term, corrections.get(word, word))
        counts[term] += 1
    terms = tuple(Term(term, surface, counts[term]) for term, surface in surfaces.items())
    return Query(text, terms, corrections, unknown)
