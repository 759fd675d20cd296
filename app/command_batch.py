"""The command `batch`."""

from pathlib import Path

from app.batch.rows import read_rows
from app.batch.run import BatchJob, run_batch
from app.catalogue.importers.row import Unreadable
from app.catalogue.index import CatalogueIndex
from app.command_catalogue import complete_models, open_for_command
from app.composition import further_legs, version_loader
from app.console import print_error, progress_bar, refuse
from app.model.live_model import LiveModel
from app.recommend.batch import (
    BatchCounts,
    BatchRecommender,
    BatchRun,
    NotResumable,
    RowOutcome,
)
from app.recommend.stages import Unobserved
from app.settings import Settings
from app.telemetry.command import observed_command


def show_batch(
    settings: Settings, file: Path, to: Path | None, limit: int, *, explain: bool
) -> None:
    """Answer the rows of a file, with progress. Raises typer.Exit after a message on a failure."""
    output = to or file.with_name(file.name + ".recommendations.jsonl")
    if output.exists() and output.samefile(file):
        raise refuse(f"{output} is the input. Name another file with --to.")
    with (
        open_for_command(settings) as catalogue,
        observed_command(settings.telemetry) as stages,
        progress_bar("recommending", file.stat().st_size) as bar,
    ):
        complete_models(catalogue)
        legs = further_legs(catalogue)
        loader, _ = version_loader(settings, catalogue, legs)
        index = CatalogueIndex(catalogue.database, catalogue.models, settings.lexical_index, legs)
        model = LiveModel(loader.registry, loader, stages)

        def on_progress(position: int, counts: BatchCounts) -> None:
            bar(position, _listed(counts))

        job = BatchJob(
            rows=read_rows(file, limit),
            output=output,
            recommender=BatchRecommender(index, model, Unobserved()),
            known=catalogue.has_category,
            explain=explain,
            progress=on_progress,
        )
        try:
            run = run_batch(job, stages)
        except Unreadable as error:
            raise refuse(f"{file}: {error}") from error
        except NotResumable as error:
            detail = f"{error}. Name another file than {output} with --to, or remove it."
            raise refuse(f"Cannot continue: {detail}") from error
    _show(run, output)


def _show(run: BatchRun, output: Path) -> None:
    if run.resumed_after:
        print_error(f"Continued after {run.resumed_after:,} rows that were done.")
    for reason, count in run.total.rows.items():
        if reason is not None:
            print_error(f"{count:,} × {reason.value}")
    print_error(f"{_listed(run.total)}: {output}")
    if not run.total.outcomes[RowOutcome.PROCESSED]:
        raise refuse("No row could be processed.")


def _listed(counts: BatchCounts) -> str:
    return ", ".join(f"{count:,} {outcome.value}" for outcome, count in counts.outcomes.items())
