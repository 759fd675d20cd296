"""Query analysis: from the user's text to the terms of the index."""

from collections import Counter

from app.recommend.index import UNKNOWN, Vocabulary
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
    rarities: dict[str, float] = {}
    unknown: list[str] = []
    for word in searched[:MAX_WORDS]:
        term = stem(word)
        if term in counts:
            counts[term] += counts[term] < MAX_REPEATED
            continue
        rarity = vocabulary.rarity(term)
        if rarity == UNKNOWN:
            nearest = vocabulary.nearest(term)
            if nearest is not None and (found := vocabulary.rarity(nearest[0])) < UNKNOWN:
                term, corrections[word] = nearest
                rarity = found
            else:
                unknown.append(word)
        rarities[term] = rarity
        surfaces.setdefault(term, corrections.get(word, word))
        counts[term] = min(counts[term] + 1, MAX_REPEATED)
    terms = tuple(
        Term(term, surface, counts[term], rarities[term]) for term, surface in surfaces.items()
    )
    return Query(text, terms, corrections, tuple(unknown))
