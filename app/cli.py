"""The command line: serve, import, export, inspect, train and evaluate."""

import json
import os
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.catalogue.importer import Summary, import_path, size
from app.catalogue.importers.row import Unreadable
from app.command_catalogue import complete_models, open_for_command
from app.command_models import author, described, refusals, versions_table
from app.composition import further_legs, version_loader
from app.console import print_error, progress_bar, refuse
from app.model.atomic_file import write_whole
from app.model.calibrators import calibrator_path
from app.model.judged import Split
from app.model.promotion import promote, roll_back
from app.model.registry import Registry
from app.recommend.fusion import Fusion
from app.server import prepare, serve
from app.settings import Settings, settings_table, unknown_names

cli = typer.Typer(
    help="Vitrine, the recommendation service you can see through.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
out = Console()
WrittenTo = Annotated[
    Path | None, typer.Option(dir_okay=False, help="where to write it [the data folder]")
]
QUERIES_ALONE = "--queries has the texts of TREC judgements: give them with --judgements."
EMPTY = "The catalogue is empty: import documents, or run `python -m app prepare`."
JudgementsOption = Annotated[
    Path | None,
    typer.Option(exists=True, help="judgements: JSON Lines (.jsonl), or TREC qrels with --queries"),
]
QueriesOption = Annotated[
    Path | None, typer.Option(exists=True, help="texts of the queries of TREC qrels: id, tab, text")
]


def print_plain(sentence: str) -> None:
    """Print a line on standard output; square brackets are not markup."""
    out.print(sentence, markup=False, highlight=False, soft_wrap=True)


def settings() -> Settings:
    """Read the settings; print one line for each invalid one and raise typer.Exit."""
    if unknown := unknown_names(os.environ):
        raise refuse(f"Unknown settings: {', '.join(unknown)}; see docs/settings.md.")
    try:
        return Settings()
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            name = "VITRINE_" + "__".join(map(str, each["loc"])).upper()
            print_error(f"{name}: {each['msg']}")
        raise refuse("Invalid settings; see docs/settings.md.") from error
    except SettingsError as error:
        raise refuse(f"Invalid settings ({error}); see docs/settings.md.") from error


@cli.command("serve")
def serve_() -> None:
    """Serve until interrupted. The first start builds the seed catalogue."""
    serve(settings())


@cli.command("prepare")
def prepare_() -> None:
    """Build the seed catalogue, its index and its vectors, without serving."""
    prepare(settings())


@cli.command("import")
def import_(
    path: Annotated[
        Path, typer.Argument(exists=True, help="JSON, CSV, Markdown or a folder of Markdown")
    ],
    rejects: Annotated[
        Path | None,
        typer.Option(help="file for rejected rows [PATH.rejects.jsonl, or in the data folder]"),
    ] = None,
) -> None:
    """Import documents: create or update them by id; write rejected rows to a file.

    It can be interrupted at any time: counted rows are durable. Run it again to import the rest.
    """
    path = path.resolve()
    bad = rejects or path.with_name(path.name + ".rejects.jsonl")
    chosen = settings()
    with open_for_command(chosen) as catalogue, progress_bar("importing", size(path)) as bar:

        def on_progress(position: int, summary: Summary) -> None:
            bar(position, f"{summary.stored:,} stored, {summary.rejected:,} rejected")

        complete_models(catalogue)
        try:
            summary = import_path(
                catalogue, path, bad, on_progress, elsewhere=chosen.data / bad.name
            )
        except Unreadable as error:
            raise refuse(f"{path}: {error}") from error
    counts = f"{summary.created:,} created, {summary.updated:,} updated"
    print_plain(f"{counts}, {summary.unchanged:,} unchanged, {summary.rejected:,} rejected")
    for sentence, count in summary.notes.most_common():
        print_plain(f"{count:,} × {sentence}")
    if summary.rejects:
        print_plain(f"rejected rows and reasons: {summary.rejects}")
    elif summary.rejects_failure:
        print_error(f"Cannot write the rejected rows: {summary.rejects_failure}", "red")
    if not summary.stored:
        raise refuse(
            f"{path}: {'every row was rejected' if summary.rejected else 'no rows found'}."
        )


@cli.command()
def export(
    path: Annotated[Path | None, typer.Argument(help="a .jsonl file [standard output]")] = None,
) -> None:
    """Write all documents as JSON Lines, ready to be imported again."""
    with open_for_command(settings()) as catalogue:
        file = path.open("wb") if path else os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        with file:
            for document in catalogue:
                line = json.dumps(asdict(document), ensure_ascii=False) + "\n"
                file.write(line.encode())


@cli.command()
def stats() -> None:
    """Show the number of documents per category, and the active models."""
    with open_for_command(settings()) as catalogue:
        table = Table("category", "documents", title=f"{len(catalogue):,} documents")
        for category, count in catalogue.categories().items():
            table.add_row(Text(category or "(none)"), f"{count:,}")
        models = Table("leg", "model", "version", "hash", "dimensions", "fitted on")
        query = "SELECT leg, name, version, hash, dimensions, fitted_on FROM models WHERE active"
        for row in catalogue.database.reader.execute(query):
            models.add_row(*map(str, row))
    out.print(table, models)


@cli.command()
def reindex() -> None:
    """Rebuild passages, words, vectors and the latent model."""
    with open_for_command(settings()) as catalogue:
        total, done = 3 * len(catalogue), 0  # an estimate: a long document has several passages
        with progress_bar("reindexing", total) as bar:

            def on_progress(count: int) -> None:
                nonlocal done
                done += count
                bar(done, "")

            catalogue.ensure_models(on_progress)  # with vectors of this encoder, if it is another
            catalogue.analyse_again(on_progress)
            catalogue.ensure_models(on_progress, refit=True)


@cli.command()
def train(  # noqa: PLR0913 - an option each
    judgements: JudgementsOption = None,
    queries: QueriesOption = None,
    holdout: Annotated[
        Path | None, typer.Option(exists=True, help="judgements to evaluate with, as JSON Lines")
    ] = None,
    split: Annotated[Split, typer.Option(help="which queries to train on")] = Split.TUNE,
    reason: Annotated[str, typer.Option(help="for the audit log")] = "",
    *,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="learn from users' feedback in the journal")
    ] = False,
    force: Annotated[bool, typer.Option(help="register it also if the gate refuses it")] = False,
) -> None:
    """Train a version of the ranking model; it becomes the challenger if the gate lets it pass.

    Without --judgements and --feedback it learns from the shipped judgements of the seed catalogue,
    and on other catalogues from titles and headings.
    """
    from app.command_feedback import judgements_of_journal  # noqa: PLC0415
    from app.command_training import show_training  # noqa: PLC0415 - takes a second
    from app.model.judgement_files import read_judgements  # noqa: PLC0415
    from app.model.pseudo_judgements import judgements_for  # noqa: PLC0415
    from app.model.training import TrainingRequest  # noqa: PLC0415

    if feedback and judgements:
        raise refuse("--feedback and --judgements: choose one.")
    if queries and not judgements:
        raise refuse(QUERIES_ALONE)
    chosen = settings()
    with open_for_command(chosen) as catalogue:
        loader, _ = version_loader(chosen, catalogue, further_legs(catalogue))
        source = partial(judgements_for, catalogue, judgements, queries)
        if feedback:
            source = partial(judgements_of_journal, chosen)
        request = TrainingRequest(
            source,
            author(reason),
            split,
            partial(read_judgements, holdout) if holdout else None,
            force,
        )
        show_training(loader, request, chosen.telemetry, judgements, holdout)


@cli.command()
def distill() -> None:
    """Fit the query encoder: a student of a transformer, on the catalogue's documents."""
    from app.command_encoder import fit_student  # noqa: PLC0415 - scikit-learn takes a second

    chosen = settings()
    with open_for_command(chosen) as catalogue:
        path = fit_student(catalogue, chosen)
    print_plain(f"query encoder written to {path}.")
    print_plain("VITRINE_ENCODER=student uses it, from the next start of the service.")


@cli.command()
def models() -> None:
    """List the versions of the model: which serves, which were trained."""
    out.print(versions_table(Registry(settings().data / "models")))


@cli.command("batch")
def batch_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON Lines, CSV, or a query a line")
    ],
    to: Annotated[Path | None, typer.Option(help="output [FILE.recommendations.jsonl]")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="documents per query")] = 5,
    *,
    explain: Annotated[bool, typer.Option("--explain", help="with the reasons of results")] = False,
) -> None:
    """Recommend documents for every query of a file; one line of JSON for each of them.

    It can be interrupted at any time: run it again to continue after the last complete line.
    """
    from app.command_batch import show_batch  # noqa: PLC0415 - FastAPI takes a second

    show_batch(settings(), file, to, limit, explain=explain)


@cli.command("feedback")
def feedback_(
    *, as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of tables")] = False
) -> None:
    """Show each version's online metric: its quality for users, from their feedback."""
    from app.command_feedback import show_feedback  # noqa: PLC0415 - numpy takes a second

    show_feedback(settings(), as_json=as_json)


@cli.command("promote")
def promote_(
    version: Annotated[str, typer.Argument(help="id, number or hash; see `models`")],
    reason: Annotated[str, typer.Option(help="for the audit log")] = "",
    *,
    force: Annotated[bool, typer.Option(help="also if the gate refused it")] = False,
) -> None:
    """Serve with this version; running workers use it for their next request."""
    from app.telemetry.command import observed_command  # noqa: PLC0415

    chosen = settings()
    with (
        open_for_command(chosen) as catalogue,
        observed_command(chosen.telemetry) as stages,
        refusals(),
    ):
        loader, _ = version_loader(chosen, catalogue, further_legs(catalogue))
        change = promote(loader, version, author(reason), stages, force=force)
    print_plain(described(change))


@cli.command()
def rollback(
    reason: Annotated[str, typer.Option(help="for the audit log")] = "",
) -> None:
    """Serve with the version that served before; damaged ones are passed over."""
    from app.telemetry.command import observed_command  # noqa: PLC0415

    chosen = settings()
    with (
        open_for_command(chosen) as catalogue,
        observed_command(chosen.telemetry) as stages,
        refusals(),
    ):
        loader, _ = version_loader(chosen, catalogue, further_legs(catalogue))
        change = roll_back(loader, author(reason), stages)
    print_plain(described(change))


@cli.command()
def calibrate(
    judgements: JudgementsOption = None, queries: QueriesOption = None, to: WrittenTo = None
) -> None:
    """Learn when fusion's first result answers, from judged queries (tune split).

    Without --judgements it learns from the shipped judgements of the seed catalogue.
    """
    from app.command_training import calibrate_fusion  # noqa: PLC0415 - takes a second

    if queries and not judgements:
        raise refuse(QUERIES_ALONE)
    chosen = settings()
    path = to or calibrator_path(chosen.data, Fusion.card)
    with open_for_command(chosen) as catalogue, catalogue.database.snapshot():
        if not len(catalogue):
            raise refuse(EMPTY)
        write_whole(path, calibrate_fusion(catalogue, judgements, queries))
    print_plain(f"relevance of fusion written to {path}. Restart the service to use it.")


@cli.command()
def profile(to: WrittenTo = None) -> None:
    """Make fusion's reference profile for drift detection, from the judged seed queries."""
    from app.model.profiling import FUSION_PROFILE, has_seed  # noqa: PLC0415
    from app.model.seed_training import profile_on_seed  # noqa: PLC0415 - scikit-learn takes a second

    chosen = settings()
    path = to or chosen.data / FUSION_PROFILE
    with open_for_command(chosen) as catalogue:
        if not len(catalogue):
            raise refuse(EMPTY)
        if not has_seed(catalogue):
            raise refuse(
                "This is not the seed catalogue, so fusion's profile would not be used: train a "
                "version, it brings its profile."
            )
        loader, _ = version_loader(chosen, catalogue, further_legs(catalogue))
        write_whole(path, profile_on_seed(catalogue, loader.built_in).dump())
    print_plain(f"reference profile of fusion written to {path}. Restart the service to use it.")


@cli.command()
def evaluate(
    judgements: JudgementsOption = None,
    queries: QueriesOption = None,
    split: Annotated[Split, typer.Option(help="which queries to evaluate with")] = Split.TEST,
) -> None:
    """Measure the serving version, fusion and BM25 on judged queries: ranking and relevance."""
    from app.command_training import show_evaluation  # noqa: PLC0415 - takes a second

    if queries and not judgements:
        raise refuse(QUERIES_ALONE)
    chosen = settings()
    with (
        open_for_command(chosen) as catalogue,
        refusals(),
        catalogue.database.snapshot(),  # documents may be written meanwhile
    ):
        loader, _ = version_loader(chosen, catalogue, further_legs(catalogue))
        show_evaluation(loader, judgements, queries, split, chosen.telemetry)


@cli.command()
def vocabulary(weaver: Path | None = None) -> None:
    """Print the reference of all emitted telemetry as Markdown (docs/telemetry.md).

    --weaver FOLDER writes it as a Weaver registry instead (docs/registry).
    """
    from app.telemetry.reference import reference, write_registry  # noqa: PLC0415 - needs the SDK

    if weaver is None:
        sys.stdout.write(reference())
    else:
        write_registry(weaver)


@cli.command("settings")
def settings_() -> None:
    """Print the table of settings as Markdown (docs/settings.md)."""
    sys.stdout.write(settings_table())
