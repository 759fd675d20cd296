"""What has changed in the catalogue between two states of the index, by kind and category."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.catalogue.snapshot import Snapshot

Ties = NDArray[np.uint64]
MAX_CATEGORIES = 10


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Passages that were created, updated and deleted since the last refresh of the index.

    `by_this_process`: it has written since then; otherwise another process made the changes.
    `categories`: number of changed passages in the MAX_CATEGORIES that changed most.
    """

    created: int = 0
    updated: int = 0
    deleted: int = 0
    by_this_process: bool = False
    categories: Mapping[str, int] = field(default_factory=dict)


def changes(old: Snapshot, new: Snapshot, codes: Mapping[str, int], *, own: bool) -> Refreshed:
    """The difference of two snapshots. `codes`: number of each category; `own`: see Refreshed."""
    size = len(old.keys)
    if size and len(new.keys) >= size and new.keys[size - 1] == old.keys[-1]:  # old slots remain
        deleted, created = old.live.copy(), new.live.copy()
        deleted &= ~new.live[:size]
        created[:size] = False
    else:
        deleted = old.live & ~np.isin(old.keys, new.keys[new.live])
        created = new.live & ~np.isin(new.keys, old.keys[old.live])
    gone, come = _passages(old, deleted), _passages(new, created)
    updated = len(np.intersect1d(gone[0], come[0]))
    counts = Counter(np.concatenate((gone[1], come[1])).tolist())
    names = {code: name for name, code in codes.items()}
    return Refreshed(
        created=len(come[0]) - updated,
        updated=updated,
        deleted=len(gone[0]) - updated,
        by_this_process=own,
        categories={names[code]: count for code, count in counts.most_common(MAX_CATEGORIES)},
    )


def _passages(state: Snapshot, chosen: NDArray[np.bool_]) -> tuple[Ties, NDArray[np.int32]]:
    """What identifies the chosen passages across writes, and their categories."""
    return state.ties[chosen], state.categories[chosen]
