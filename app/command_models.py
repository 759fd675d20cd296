"""What the model commands print, and how they turn failures into messages."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from rich.table import Table
from rich.text import Text

from app.console import refuse
from app.model.evaluation import CANDIDATE
from app.model.promotion import GateRefused
from app.model.registry import NoPreviousVersion, Registry, UnknownVersion
from app.model.registry_records import BUILT_IN, Author, Change, State
from app.recommend.artefact import ArtefactRefused


def author(reason: str) -> Author:
    """The user of this process; `reason` may contain bytes that are no text."""
    reason = reason.encode("utf-8", "replace").decode()
    try:
        return Author(getpass.getuser(), reason)
    except (OSError, KeyError):  # the user id has no name
        return Author("unknown", reason)


@contextmanager
def refusals() -> Iterator[None]:
    """Raises typer.Exit, after a message, if a version can't be promoted."""
    try:
        yield
    except GateRefused as error:
        raise refuse(
            f"The gate refused this version: {error}. --force promotes it all the same."
        ) from error
    except (UnknownVersion, NoPreviousVersion, ArtefactRefused) as error:
        raise refuse(f"{error}.") from error


def described(change: Change) -> str:
    """One line about a change."""
    if change.version == change.replaced:
        return f"{change.version} already serves."
    return (
        f"{change.version} serves instead of {change.replaced}: "
        "running workers use it for their next request."
    )


def versions_table(registry: Registry) -> Table:
    """All versions with their roles, oldest first."""
    state = registry.current_state()
    table = Table("version", "role", "trained", "on queries", "nDCG@10", "remark")
    table.add_row(BUILT_IN, role(BUILT_IN, state))
    for version in registry.ids():
        table.add_row(version, role(version, state), *_described(registry, version))
    return table


def _described(registry: Registry, version: str) -> tuple[str, str, str, Text]:
    """When it was trained, on how many queries of which kind, its quality, and a remark."""
    try:
        created, card = registry.read(version)[0].created_at, registry.card(version)
        data, measured = card["data"], card["metrics"]["ranked"][CANDIDATE]["ndcg"]["mean"]
        remark = "; ".join(card["gate"]["reasons"])
        trained_on = f"{data['tune_queries']} ({data['source']})"
        return created, trained_on, f"{measured:.3f}", Text(remark)
    except ArtefactRefused as error:
        return "", "", "", Text(f"damaged: {error}")
    except (KeyError, TypeError, ValueError):  # a card of another program
        return created, "", "", Text("")


def role(version: str, state: State) -> str:
    """Champion, challenger, previous, or nothing."""
    if version == state.champion:
        return "champion"
    if version == state.challenger:
        return "challenger"
    return "previous" if version in state.previous else ""
