"""The catalogue in memory: parallel columns, one slot a document, only ever appended.

A reader takes one `Snapshot` and sees one moment. A write appends a slot (and marks the old one
dead in a copy of `live`), so nothing a reader holds is changed under it, and no reader waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.catalogue.vectors import LegModel
from app.recommend.dense import Codes, sign_codes
from app.recommend.lexical import Postings
from app.recommend.spelling import Speller
from app.recommend.types import Floats, Keys


class Column:
    """An array that grows at the end; a view taken before stays as it was."""

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
    """Documents as read from the database, in the order of their keys."""

    keys: Keys
    titles: NDArray[np.uint64]
    categories: NDArray[np.int32]
    stems: Sequence[list[str]]
    dense: Floats
    latent: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One moment of the catalogue; all arrays have one entry a slot, dead slots included.

    `dense` and `latent` are None where the catalogue is too large to hold them, and `codes` then
    stands for `dense` in the first pass. `postings` is None where SQLite answers instead.
    """

    keys: Keys
    titles: NDArray[np.uint64]
    categories: NDArray[np.int32]
    lengths: NDArray[np.int32]
    live: NDArray[np.bool_]
    dense: Floats | None
    latent: Floats | None
    codes: tuple[Codes, ...]
    postings: Postings | None
    models: Mapping[str, tuple[int, LegModel]]
    removals: int
    speller: Speller
    count: int
    mean_length: float

    @property
    def last_key(self) -> int:
        return int(self.keys[-1]) if len(self.keys) else 0


def slots_of(column: Keys, keys: Keys) -> NDArray[np.intp]:
    """Where `keys` stand in the ascending `column`; those not in it are left out."""
    if not len(column):
        return np.zeros(0, np.intp)
    at = np.minimum(np.searchsorted(column, keys), len(column) - 1)
    return at[column[at] == keys]


class Memory:
    """The growing side of snapshots; one thread at a time may change it."""

    def __init__(self, rows: Rows, *, exact: bool, in_memory: bool) -> None:
        """`exact`: hold all vectors. `in_memory`: hold the postings."""
        self._exact = exact
        self._postings = Postings.packed(rows.stems) if in_memory else None
        self._columns = {name: Column(array) for name, array in self._arrays(rows).items()}

    def _arrays(self, rows: Rows) -> dict[str, NDArray[Any]]:
        lengths = np.fromiter(map(len, rows.stems), np.int32, len(rows.keys))
        arrays: dict[str, NDArray[Any]] = {
            "keys": rows.keys,
            "titles": rows.titles,
            "categories": rows.categories,
            "lengths": lengths,
            "live": np.ones(len(rows.keys), np.bool_),
        }
        if self._exact:
            return arrays | {"dense": rows.dense, "latent": rows.latent}
        words = np.ascontiguousarray(sign_codes(rows.dense).T)
        return arrays | {f"code {place}": word for place, word in enumerate(words)}

    def append(self, rows: Rows) -> None:
        """Add documents with keys higher than all before."""
        first = len(self._columns["keys"].view)
        if self._postings is not None:
            for slot, stems in enumerate(rows.stems, first):
                self._postings.append(slot, stems)
        for name, array in self._arrays(rows).items():
            self._columns[name].append(array)

    def bury(self, keys: Keys) -> None:
        """Mark documents dead, in a copy: readers keep what they have."""
        live = self._columns["live"].view.copy()
        live[slots_of(self._columns["keys"].view, keys)] = False
        self._columns["live"] = Column(live)

    def snapshot(
        self, models: Mapping[str, tuple[int, LegModel]], removals: int, speller: Speller
    ) -> Snapshot:
        """The present moment."""
        views = {name: column.view for name, column in self._columns.items()}
        codes = tuple(view for name, view in views.items() if name.startswith("code"))
        live, lengths = views["live"], views["lengths"]
        count = int(np.count_nonzero(live))
        return Snapshot(
            keys=views["keys"],
            titles=views["titles"],
            categories=views["categories"],
            lengths=lengths,
            live=live,
            dense=views.get("dense"),
            latent=views.get("latent"),
            codes=codes,
            postings=self._postings,
            models=models,
            removals=removals,
            speller=speller,
            count=count,
            mean_length=float(lengths[live].sum(dtype=np.int64)) / max(count, 1),
        )
