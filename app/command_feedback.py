"""The command `feedback`, and the judgements of `train --feedback`."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from app.catalogue import feedback_journal
from app.catalogue.database import Database, SchemaTooNew
from app.catalogue.feedback_log import FeedbackLog, read_feedback
from app.console import print_error, refuse
from app.model.calibration import Rate
from app.model.click_model import RANKS
from app.model.feedback_judgements import feedback_judgements
from app.model.judgement_files import Judgements, JudgementsUnreadable
from app.model.online_metric import CUT, OnlineReport, online_report
from app.model.pseudo_judgements import with_unanswerable
from app.recommend.index import Vocabulary
from app.settings import Settings

out = Console()


@contextmanager
def _journal(settings: Settings) -> Iterator[Database]:
    """The journal of a data folder. Raises JudgementsUnreadable."""
    path = settings.data / "journal.db"
    if not path.exists():
        problem = f"there is no feedback yet: {path} is made when the service starts"
        raise JudgementsUnreadable(problem)
    try:
        schema = feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION
        with closing(Database(path, *schema)) as database:
            yield database
    except (SchemaTooNew, sqlite3.DatabaseError) as error:
        raise JudgementsUnreadable(f"{path} can't be read: {error}") from error


def _log(settings: Settings, ranks: int | None = None) -> FeedbackLog:
    with _journal(settings) as database:
        window = settings.watch.feedback_seconds
        return read_feedback(database, window, time.time(), ranks=ranks)


def judgements_of_journal(settings: Settings, vocabulary: Vocabulary) -> Judgements:
    """Judgements from feedback, with queries that have no answer. Raises JudgementsUnreadable."""
    return with_unanswerable(feedback_judgements(_log(settings)), vocabulary)


def show_feedback(settings: Settings, *, as_json: bool) -> None:
    """Print the online metric. Raises typer.Exit if there is no feedback."""
    try:
        report = online_report(_log(settings, RANKS))
    except JudgementsUnreadable as error:
        raise refuse(f"{error}.") from error
    if as_json:
        print(json.dumps(asdict(report), indent=2))  # noqa: T201 - for other programs
        return
    out.print(_versions(report))
    if any(each.known for each in report.examination):
        out.print(_ranks(report))
    if all(each.quality is None for each in report.versions):
        print_error(
            "Quality needs more feedback: 10 likes of a version, and 20 at each rank of documents "
            "that were shown at different ranks for the same query.",
            "yellow",
        )
    listed = ", ".join(f"{count:,} {outcome}" for outcome, count in report.rows.items()) or "none"
    out.print(
        f"feedback: {listed}; sent again: {report.repeats:,}. {report.pending:,} recommendations "
        f"are less than {settings.watch.feedback_seconds:g} s old and do not count yet.",
        highlight=False,
    )


def _versions(report: OnlineReport) -> Table:
    table = Table(
        "version", "recommendations", "liked", f"quality@{CUT}", "uncorrected", "click-through",
        title="Online metric, with 95 % intervals",
    )  # fmt: skip
    for each in report.versions:
        table.add_row(
            f"{each.model.name} {each.model.version}", f"{each.recommendations:,}",
            f"{each.liked:,}", *map(_interval, (each.quality, each.uncorrected)),
            _interval(each.click_through),
        )  # fmt: skip
    return table


def _ranks(report: OnlineReport) -> Table:
    names = (f"{each.model.name} {each.model.version}" for each in report.versions)
    table = Table("rank", "examination", *names, title="Liked results by rank")
    by_rank = [{one.rank: one for one in each.by_rank} for each in report.versions]
    for each in report.examination:
        cells = (ranks.get(each.rank) for ranks in by_rank)
        shares = (f"{one.liked / one.shown:.3f} of {one.shown:,}" if one else "" for one in cells)
        known = _interval(Rate(each.value, each.low, each.high)) if each.known else "not known"
        table.add_row(str(each.rank), known, *shares)
    return table


def _interval(rate: Rate | None) -> str:
    return "" if rate is None else f"{rate.value:.3f} ({rate.low:.3f}-{rate.high:.3f})"
