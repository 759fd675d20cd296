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
LEAST_SHARED = 0.5
"""The shipped judgements are used if the catalogue has this fraction of their documents."""


@dataclass(frozen=True, slots=True)
class DataQuality:
    """What became of the rows: `used`, and why the others were not, by reason.

    `rejects`: the quarantined rows of the judgements, `holdout_rejects`: those of the holdout.
    """

    read: int
    used: int
    dropped: Mapping[str, int]
    quarantined: Mapping[str, int]
    rejects: tuple[Reject, ...] = ()
    holdout_rejects: tuple[Reject, ...] = ()

    @property
    def not_used(self) -> str:
        """How many rows are not used, by reason, as text; empty if all are used."""
        lost = {**self.dropped, **self.quarantined}
        return ", ".join(f"{count} {reason}" for reason, count in lost.items())


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
    if len(catalogue.existing(documents)) < LEAST_SHARED * len(documents):
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
        test = of_holdout.queries(of_holdout.only(Split.TEST, splits))
        tested = {_key(each.text) for each in test}
        sides = {key: row.split or train_on for key, row in found.first.items()}
        for key in tested & set(sides):
            found.leave_out(key, Reason.LEAK)
            del sides[key]
        sides = dict.fromkeys(found.only(train_on, sides), train_on)
        found.join(of_holdout)
    tune = found.queries(key for key, side in sides.items() if side == train_on)
    return ValidJudgements(tune, test, found.quality())


class _Found:
    """Queries by their words: of each, the first row, the number of its rows, and the grades of its
    documents; the grade of "" is 0: no document answers."""

    def __init__(self, judgements: Judgements) -> None:
        self.first: dict[str, Row] = {}
        self.rows: Counter[str] = Counter()
        self.grades: dict[str, dict[str, float]] = {}
        self.read, self.rejects = judgements.read, list(judgements.rejects)
        self.holdout_rejects: list[Reject] = []
        self.reasons: Counter[Reason] = Counter(each.reason for each in self.rejects)

    @classmethod
    def of(cls, judgements: Judgements, catalogue: Catalogue) -> "_Found":
        found = cls(judgements)
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
        grades = self.grades.get(key, {})
        if (before := grades.get(row.document)) == row.grade:
            return Reason.DUPLICATE
        if before is not None:
            graded = f"“{row.document}” has the grade {before:g}"
            detail = f"{graded} in an earlier row, {row.grade:g} here"
        elif ("" in grades and row.grade) or (not row.document and any(grades.values())):
            detail = "this row and an earlier one differ: does any document answer the query?"
        else:
            return None
        grades[row.document] = max(before or 0, row.grade)  # the same for every order of the rows
        self.rejects.append(Reject(row.line, Reason.CONTRADICTION, detail))
        return Reason.CONTRADICTION

    def add(self, row: Row, key: str) -> None:
        self.first.setdefault(key, row)
        self.rows[key] += 1
        self.grades.setdefault(key, {})[row.document] = row.grade

    def only(self, side: Split, sides: Mapping[str, str]) -> list[str]:
        """The queries of a side; the others are left out."""
        for key, each in sides.items():
            if each != side:
                self.leave_out(key, Reason.OTHER_SPLIT)
        return [key for key, each in sides.items() if each == side]

    def leave_out(self, key: str, reason: Reason) -> None:
        """Count the rows of a query that is not used."""
        self.reasons[reason] += self.rows[key]

    def join(self, holdout: "_Found") -> None:
        """Add what was read, and what was not used, of the holdout."""
        self.read += holdout.read
        self.reasons += holdout.reasons
        self.holdout_rejects = holdout.rejects

    def queries(self, keys: Iterable[str]) -> list[JudgedQuery]:
        """In the order of their words: a training does not depend on the order of the rows.

        Documents of grade 0 are as irrelevant as those without a judgement, so queries that have no
        others are left out.
        """
        found = []
        for key in sorted(keys):
            row, grades = self.first[key], self.grades[key]
            relevance = {document: grade for document, grade in grades.items() if grade}
            if relevance or "" in grades:
                found.append(JudgedQuery(str(row.line), row.text, row.kind, relevance))
            else:
                self.leave_out(key, Reason.NOTHING_RELEVANT)
        return found

    def quality(self) -> DataQuality:
        counts = self.reasons
        return DataQuality(
            read=self.read,
            used=self.read - counts.total(),
            dropped={each.value: counts[each] for each in DROPPED if counts[each]},
            quarantined={each.value: counts[each] for each in QUARANTINED if counts[each]},
            rejects=tuple(self.rejects[:MAX_REJECTS]),
            holdout_rejects=tuple(self.holdout_rejects[:MAX_REJECTS]),
        )


def _key(text: str) -> str:
    """The same for texts that differ in case, spaces or punctuation only."""
    return " ".join(words(normalize(text)))


def _split(key: str) -> Split:
    """A split by the text alone: the same in every run and for every order of the rows."""
    share = int.from_bytes(sha256(key.encode()).digest()[:4]) / 2**32
    return Split.TEST if share < TEST_SHARE else Split.TUNE
