"""The catalogue in memory: parallel append-only columns, one slot per passage.

A reader works on one immutable `Snapshot`. A write appends a slot and marks the old one dead in a
copy of `live`: existing snapshots never change, and no reader waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.catalogue.vectors import ActiveModels
from app.recommend.dense import Codes, sign_codes
from app.recommend.lexical import Bm25, Postings
from app.recommend.spelling import Speller
from app.recommend.types import Floats, Keys

Slots = NDArray[np.intp]
Halves = NDArray[np.float16]


class Column:
    """An array that grows at the end; earlier views stay unchanged."""

    def __init__(self, start: NDArray[Any]) -> None:
        self._array, self._length = start, len(start)

    @property
    def view(self) -> NDArray[Any]:
        return self._array[: self._length]

    def append(self, rows: NDArray[Any]) -> None:
        needed = self._length + len(rows)
        if needed > len(self._array):
            larger = np.empty((max(needed, 2 * self._length), *rows.shape[1:]), rows.dtype)
            larger[: self._length] = self.view
            self._array = larger
        self._array[self._length : needed] = rows
        self._length = needed


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n passages as read from the database, in the order of their keys.

    `documents`: keys of their documents; `ties`: order of equal scores; `split`: some document has
    several passages; `stems`: separated by spaces; vectors are (n, d).
    """

    keys: Keys
    documents: Keys
    ties: NDArray[np.uint64]
    split: bool
    titles: NDArray[np.uint64]
    categories: NDArray[np.int32]
    stems: Sequence[str]
    dense: Halves
    latent: Halves | None


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The catalogue at one point in time; arrays have one entry per slot, dead slots included.

    `codes` is empty if every vector is compared; `dense` and `latent` are None if the catalogue is
    too large to hold them; `bm25` is None if SQLite computes it.
    """

    keys: Keys
    documents: Keys
    ties: NDArray[np.uint64]
    split: bool
    titles: NDArray[np.uint64]
    categories: NDArray[np.int32]
    live: NDArray[np.bool_]
    dense: Floats | None
    latent: Floats | None
    codes: tuple[Codes, ...]
    bm25: Bm25 | None
    models: ActiveModels
    removals: int
    speller: Speller
    count: int

    @property
    def last_key(self) -> int:
        return int(self.keys[-1]) if len(self.keys) else 0


def slots_of(column: Keys, keys: Keys) -> Slots:
    """Positions of `keys` in the ascending `column`, without the keys that are not in it."""
    if not len(column):
        return np.zeros(0, np.intp)
    at = np.minimum(np.searchsorted(column, keys), len(column) - 1)
    found: Slots = at[column[at] == keys]
    return found


class Memory:
    """The columns that snapshots are views of. Only one thread at a time may change it."""

    def __init__(self, rows: Rows, *, codes: bool, vectors: bool, postings: bool) -> None:
        """`codes`, `vectors`, `postings`: whether to hold these besides the small columns."""
        self._holds_codes, self.holds_vectors = codes, vectors
        self._split = rows.split
        self._postings = Postings.packed(each.split() for each in rows.stems) if postings else None
        self._columns = {name: Column(array) for name, array in self._arrays(rows).items()}

    def _arrays(self, rows: Rows) -> dict[str, NDArray[Any]]:
        counts = (len(each.split()) for each in rows.stems)
        lengths = np.fromiter(counts, np.int32, len(rows.keys))
        arrays: dict[str, NDArray[Any]] = {
            "keys": rows.keys,
            "documents": rows.documents,
            "ties": rows.ties,
            "titles": rows.titles,
            "categories": rows.categories,
            "lengths": lengths,
            "live": np.ones(len(rows.keys), np.bool_),
        }
        if self.holds_vectors and rows.latent is not None:
            arrays["dense"] = rows.dense.astype(np.float32)
            arrays["latent"] = rows.latent.astype(np.float32)
        if self._holds_codes:
            words = np.ascontiguousarray(sign_codes(rows.dense).T)
            arrays |= {f"code {place}": word for place, word in enumerate(words)}
        return arrays

    def append(self, rows: Rows) -> None:
        """Add passages; their keys must be higher than all earlier ones."""
        self._split = self._split or rows.split
        first = len(self._columns["keys"].view)
        if self._postings is not None:
            for slot, stems in enumerate(rows.stems, first):
                self._postings.append(slot, stems.split())
        for name, array in self._arrays(rows).items():
            self._columns[name].append(array)

    def mark_dead(self, keys: Keys) -> None:
        """Mark passages dead in a copy of `live`: existing snapshots do not change."""
        live = self._columns["live"].view.copy()
        live[slots_of(self._columns["keys"].view, keys)] = False
        self._columns["live"] = Column(live)

    def snapshot(self, models: ActiveModels, removals: int, speller: Speller) -> Snapshot:
        """A snapshot of the current state."""
        views = {name: column.view for name, column in self._columns.items()}
        codes = tuple(view for name, view in views.items() if name.startswith("code"))
        live, lengths = views["live"], views["lengths"]
        return Snapshot(
            keys=views["keys"],
            documents=views["documents"],
            ties=views["ties"],
            split=self._split,
            titles=views["titles"],
            categories=views["categories"],
            live=live,
            dense=views.get("dense"),
            latent=views.get("latent"),
            codes=codes,
            bm25=Bm25(self._postings, lengths, live) if self._postings is not None else None,
            models=models,
            removals=removals,
            speller=speller,
            count=int(np.count_nonzero(live)),
        )
