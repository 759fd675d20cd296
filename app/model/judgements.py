"""Judgements to train and to evaluate with: where they come from, and which of them can be used."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from app.catalogue.store import Catalogue
from app.model.judged import JudgedQuery, Split, seed_queries
from app.model.judgement_files import (
    DROPPED,
    MAX_REJECTS,
    QUARANTINED,
    Judgements,
    Reason,
    Reject,
    Row,
    Source,
)
from app.recommend.text_analysis import normalize, words

TEST_SHARE = 0.3
"""Fraction of the queries without a split that are reserved for the evaluation."""
MOST_FOREIGN = 0.5
"""The shipped judgements are used if the catalogue has this fraction of their documents."""


@dataclass(frozen=True, slots=True)
class DataQuality:
    """What became of the rows: `used`, and why the others were not, by reason."""

    read: int
    used: int
    dropped: Mapping[str, int]
    quarantined: Mapping[str, int]
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True)
class ValidJudgements:
    """Judged queries that this catalogue can answer, and those that no document answers."""

    tune: list[JudgedQuery]
    test: list[JudgedQuery]
    quality: DataQuality


def seed_judgements(catalogue: Catalogue) -> Judgements | None:
    """The shipped judgements; None if they are about another catalogue."""
    rows, documents = [], set[str]()
    for split in Split:
        for number, query in enumerate(seed_queries(split), 1):
            documents |= set(query.relevance)
            for document, grade in query.relevance.items() or [("", 0.0)]:
                rows.append(Row(number, query.text, document, grade, query.kind, split))
    if len(catalogue.existing(documents)) < MOST_FOREIGN * len(documents):
        return None
    digest = sha256(repr(rows).encode()).hexdigest()
    return Judgements(Source.SEED, "the judged queries of the seed catalogue", digest, tuple(rows))


def validate(
    judgements: Judgements,
    catalogue: Catalogue,
    train_on: Split = Split.TUNE,
    holdout: Judgements | None = None,
) -> ValidJudgements:
    """Sort the queries by split, without the rows that can't be used.

    The split `train_on` is trained on, the other one is for the evaluation; queries without a split
    are divided by a hash of their text. With a `holdout`, all queries are trained on unless they
    name the other split, and the test split of the holdout is for the evaluation.
    """
    found = _Found.of(judgements, catalogue)
    other = Split.TEST if train_on is Split.TUNE else Split.TUNE
    if holdout is None:
        sides = {key: row.split or _split(key) for key, row in found.first.items()}
        test = found.queries(key for key, side in sides.items() if side == other)
    else:
        of_holdout = _Found.of(holdout, catalogue)
        splits = {key: row.split or Split.TEST for key, row in of_holdout.first.items()}
        test = of_holdout.queries(key for key, side in splits.items() if side == Split.TEST)
        tested = {_key(each.text) for each in test}
        sides = {key: row.split or train_on for key, row in found.first.items()}
        for key in tested & set(sides):
            found.reasons[Reason.LEAK] += max(len(found.relevance[key]), 1)
            del sides[key]
    tune = found.queries(key for key, side in sides.items() if side == train_on)
    return ValidJudgements(tune, test, found.quality(judgements.read))


class _Found:
    """Queries by their words: the first row and the relevant documents of each."""

    def __init__(self, rejects: Iterable[Reject]) -> None:
        self.first: dict[str, Row] = {}
        self.relevance: dict[str, dict[str, float]] = {}
        self.rejects = list(rejects)
        self.reasons: Counter[Reason] = Counter(each.reason for each in self.rejects)

    @classmethod
    def of(cls, judgements: Judgements, catalogue: Catalogue) -> "_Found":
        found = cls(judgements.rejects)
        known = catalogue.existing({row.document for row in judgements.rows if row.document})
        for row in judgements.rows:
            key = _key(row.text)
            if (reason := found.objection(row, key, known)) is None:
                found.add(row, key)
            else:
                found.reasons[reason] += 1
        return found

    def objection(self, row: Row, key: str, known: frozenset[str]) -> Reason | None:
        """Why a row can't be used."""
        if not key:
            return Reason.NOT_SEARCHABLE
        if row.document and row.document not in known:
            return Reason.UNKNOWN_DOCUMENT
        if key in self.first and row.split != self.first[key].split:
            return Reason.LEAK
        before = self.relevance.get(key, {}).get(row.document)
        if before is None or not row.document:
            return None
        if before == row.grade:
            return Reason.DUPLICATE
        detail = f"“{row.document}” has the grade {before:g} in an earlier row, {row.grade:g} here"
        self.rejects.append(Reject(row.line, Reason.CONTRADICTION, detail))
        return Reason.CONTRADICTION

    def add(self, row: Row, key: str) -> None:
        """Without the documents of grade 0: they are irrelevant like those without a judgement."""
        if row.grade or not row.document:
            self.first.setdefault(key, row)
            grades = self.relevance.setdefault(key, {})
            if row.document:
                grades[row.document] = row.grade

    def queries(self, keys: Iterable[str]) -> list[JudgedQuery]:
        """In the order of their words: a training does not depend on the order of the rows."""
        rows = ((self.first[key], self.relevance[key]) for key in sorted(keys))
        return [JudgedQuery(str(row.line), row.text, row.kind, graded) for row, graded in rows]

    def quality(self, read: int) -> DataQuality:
        counts = self.reasons
        return DataQuality(
            read=read,
            used=read - counts.total(),
            dropped={each.value: counts[each] for each in DROPPED if counts[each]},
            quarantined={each.value: counts[each] for each in QUARANTINED if counts[each]},
            rejects=tuple(self.rejects[:MAX_REJECTS]),
        )


def _key(text: str) -> str:
    """The same for texts that differ in case, spaces or punctuation only."""
    return " ".join(words(normalize(text)))


def _split(key: str) -> Split:
    """A split by the text alone: the same in every run and for every order of the rows."""
    share = int.from_bytes(sha256(key.encode()).digest()[:4]) / 2**32
    return Split.TEST if share < TEST_SHARE else Split.TUNE
