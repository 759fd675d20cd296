"""Query analysis: from the user's text to the terms of the index."""

from collections import Counter

from app.recommend.index import Vocabulary
from app.recommend.text_analysis import STOP_WORDS, normalize, stem, words
from app.recommend.types import Query, Term

MAX_WORDS, MAX_REPEATED = 64, 3
"""Further words, and further repetitions of a word, are ignored to limit the cost."""


class NoSearchableWords(ValueError):
    """The text has no letter or digit."""


def analyze(text: str, vocabulary: Vocabulary) -> Query:
    """Normalise, split, remove stop words (unless there are no others), stem, correct spelling.

    A word is corrected only if no document contains it: a correction never removes a match.
    Raises NoSearchableWords.
    """
    text = normalize(text)
    typed = list(words(text))
    searched = [word for word in typed if word not in STOP_WORDS] or typed
    if not searched:
        raise NoSearchableWords(text)
    surfaces: dict[str, str] = {}
    counts: Counter[str] = Counter()
    corrections: dict[str, str] = {}
    unknown = 0
    for word in searched[:MAX_WORDS]:
        term = stem(word)
        if term in counts:
            counts[term] += counts[term] < MAX_REPEATED
            continue
        if not vocabulary.knows(term):
            nearest = vocabulary.nearest(term)
            if nearest is not None and vocabulary.knows(nearest[0]):
                term, corrections[word] = nearest
            else:
                unknown += 1
        surfaces.setdefault(term, corrections.get(word, word))
        counts[term] = min(counts[term] + 1, MAX_REPEATED)
    terms = tuple(Term(term, surface, counts[term]) for term, surface in surfaces.items())
    return Query(text, terms, corrections, unknown)
