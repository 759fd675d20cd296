"""Judgements without judges: titles and headings as queries for their own documents.

They replace judgements where there are none. They are easier than questions of people, and have
one right document; a model card says so. Queries without an answer are the shipped out-of-domain
ones whose words are not all in the catalogue, and pairs of words of different titles.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from app.catalogue.store import Catalogue
from app.model.judged import Split, seed_queries
from app.model.judgement_files import Judgements, Row, Source, read_judgements
from app.model.judgements import seed_judgements
from app.recommend.index import UNKNOWN, Vocabulary
from app.recommend.text_analysis import STOP_WORDS, normalize, stem, words

MAX_QUERIES = 600
"""Titles and headings that are used at most; a fixed sample of them."""
TYPO_LENGTH = 5
"""Minimum length of a word that gets a typing error."""
NAME = "titles and headings (pseudo-judgements)"


def pseudo_judgements(catalogue: Catalogue, vocabulary: Vocabulary, seed: int = 0) -> Judgements:
    """One row per title and heading that only one document has, and queries without an answer."""
    random = np.random.default_rng(seed)
    names = sorted(_names(catalogue))
    counts = Counter(" ".join(words(normalize(text))) for text, _, _ in names)
    unique = [each for each in names if counts[" ".join(words(normalize(each[0])))] == 1]
    chosen = sorted(random.permutation(len(unique))[:MAX_QUERIES].tolist())
    rows = [
        Row(number, *_varied(text, kind, random, document))
        for number, (text, document, kind) in enumerate((unique[place] for place in chosen), 1)
    ]
    rows += unanswerable(vocabulary, [row.text for row in rows], len(rows) // 4, random)
    digest = sha256(repr(rows).encode()).hexdigest()
    return Judgements(Source.PSEUDO, NAME, digest, tuple(rows))


def unanswerable(
    vocabulary: Vocabulary, texts: list[str], count: int, random: np.random.Generator
) -> list[Row]:
    """Queries that hardly any document answers: shipped ones, and `count` mixed from `texts`."""
    shipped = [query for split in Split for query in seed_queries(split) if not query.relevance]
    found = [
        Row(0, query.text, "", 0, "out-of-domain")
        for query in shipped
        if any(vocabulary.rarity(stem(word)) == UNKNOWN for word in _content(query.text))
    ]
    split = [content for text in texts if (content := _content(text))]
    for _ in range(count if len(split) > 1 else 0):
        one, other = random.choice(len(split), 2, replace=False)
        pair = (str(random.choice(split[one])), str(random.choice(split[other])))
        found.append(Row(0, " ".join(pair), "", 0, "mixed"))
    return found


def judgements_for(
    catalogue: Catalogue, path: Path | None, queries: Path | None, vocabulary: Vocabulary
) -> Judgements:
    """Judgements of a file, or the shipped ones, or pseudo-judgements: the first that there are.

    Raises JudgementsUnreadable, OSError.
    """
    if path is not None:
        return with_unanswerable(read_judgements(path, queries), vocabulary)
    return seed_judgements(catalogue) or pseudo_judgements(catalogue, vocabulary)


def with_unanswerable(judgements: Judgements, vocabulary: Vocabulary) -> Judgements:
    """The judgements; if all of their queries have an answer, with some that have none.

    With feedback they are added in any case: users seldom ask what has no answer."""
    feedback = judgements.source is Source.FEEDBACK
    if not feedback and not all(row.document for row in judgements.rows):
        return judgements
    texts = sorted({row.text for row in judgements.rows})
    added = unanswerable(vocabulary, texts, len(texts) // 4, np.random.default_rng(0))
    name = f"{judgements.name}, and {len(added)} queries without an answer that were added to them"
    return replace(judgements, name=name, rows=(*judgements.rows, *added))


def _names(catalogue: Catalogue) -> Iterator[tuple[str, str, str]]:
    """Every (title or heading, document, kind) with at least one word to search for."""
    query = (
        "SELECT title, id, 'title' FROM documents UNION SELECT DISTINCT heading, id, 'heading' "
        "FROM passages p JOIN documents d ON d.key = p.document WHERE heading <> title"
    )
    for text, document, kind in catalogue.database.reader.execute(query):
        if _content(text):
            yield text, document, kind


def _content(text: str) -> list[str]:
    return [word for word in words(normalize(text)) if word not in STOP_WORDS]


def _varied(
    text: str, kind: str, random: np.random.Generator, document: str
) -> tuple[str, str, float, str]:
    """A third as it is, a third without one of its words, a third with a typing error."""
    typed, variant = _content(text), int(random.integers(3))
    longest = max(range(len(typed)), key=lambda place: len(typed[place]))
    if variant == 1 and len(typed) > 2:
        typed.pop(int(random.integers(len(typed))))
        return " ".join(typed), document, 1.0, f"{kind}, a word left out"
    if variant == 2 and len(typed[longest]) >= TYPO_LENGTH:
        word, place = typed[longest], int(random.integers(1, len(typed[longest]) - 1))
        typed[longest] = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        return " ".join(typed), document, 1.0, f"{kind}, with a typing error"
    return text, document, 1.0, kind
