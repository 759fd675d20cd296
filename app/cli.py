"""The command line: serve, fill, inspect and train. Every command has `--help`."""

import json
import os
import sys
from dataclasses import asdict
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
from app.command_catalogue import opened
from app.composition import model_path
from app.console import counting, refuse, told
from app.recommend.ranking import ArtefactRefused
from app.server import prepare, serve
from app.settings import Settings
from app.settings_table import settings_table, unknown_names

cli = typer.Typer(
    help="Vitrine, the recommendation service you can see through.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
out = Console()


def say(sentence: str) -> None:
    """Print a sentence; brackets in it are no markup."""
    out.print(sentence, markup=False, highlight=False, soft_wrap=True)


def settings() -> Settings:
    """The settings, or one sentence for each that makes no sense."""
    if unknown := unknown_names(os.environ):
        raise refuse(f"No such setting: {', '.join(unknown)}; see docs/settings.md.")
    try:
        return Settings()
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            name = "VITRINE_" + "__".join(map(str, each["loc"])).upper()
            told(f"{name}: {each['msg']}")
        raise refuse("These settings make no sense; see docs/settings.md.") from error
    except SettingsError as error:
        raise refuse(f"These settings make no sense ({error}); see docs/settings.md.") from error


@cli.command("serve")
def serve_() -> None:
    """Serve until interrupted; the first start builds the seed catalogue."""
    serve(settings())


@cli.command("prepare")
def prepare_() -> None:
    """Build what the first start would, and go: the seed catalogue, its index and vectors."""
    prepare(settings().data)


@cli.command("import")
def import_(
    path: Annotated[
        Path, typer.Argument(exists=True, help="JSON, CSV, Markdown or a folder of Markdown")
    ],
    rejects: Annotated[
        Path | None, typer.Option(help="where bad rows go [PATH.rejects.jsonl, or the data folder]")
    ] = None,
) -> None:
    """Bring documents in: created or updated by id, bad rows set aside.

    Stop it when you like; what was counted is safe, and running it again finishes the work.
    """
    path = path.resolve()
    bad = rejects or path.with_name(path.name + ".rejects.jsonl")
    data = settings().data
    with opened(data) as catalogue, counting("importing", size(path)) as bar:

        def heard(position: int, summary: Summary) -> None:
            bar(position, f"{summary.stored:,} stored, {summary.rejected:,} rejected")

        catalogue.ensure_models()
        try:
            summary = import_path(catalogue, path, bad, heard, elsewhere=data / bad.name)
        except Unreadable as error:
            raise refuse(f"{path}: {error}") from error
    counts = f"{summary.created:,} created, {summary.updated:,} updated"
    say(f"{counts}, {summary.unchanged:,} unchanged, {summary.rejected:,} rejected")
    for sentence, count in summary.notes.most_common():
        say(f"{count:,} × {sentence}")
    if summary.rejects:
        say(f"why rows were rejected: {summary.rejects}")
    elif summary.rejects_failure:
        told(f"The rejected rows could not be written down: {summary.rejects_failure}", "red")
    if not summary.stored:
        raise refuse(
            f"{path}: {'every row was rejected' if summary.rejected else 'no rows found'}."
        )


@cli.command()
def export(
    path: Annotated[Path | None, typer.Argument(help="a .jsonl file [standard output]")] = None,
) -> None:
    """Write all documents as JSON Lines, ready to be imported again."""
    with opened(settings().data) as catalogue:
        file = path.open("wb") if path else os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        with file:
            for document in catalogue:
                line = json.dumps(asdict(document), ensure_ascii=False) + "\n"
                file.write(line.encode())


@cli.command()
def stats() -> None:
    """Show what the catalogue holds."""
    with opened(settings().data) as catalogue:
        table = Table("category", "documents", title=f"{len(catalogue):,} documents")
        for category, count in catalogue.categories().items():
            table.add_row(Text(category or "(none)"), f"{count:,}")
        models = Table("leg", "model", "version", "hash", "dimensions", "learnt from")
        query = "SELECT leg, name, version, hash, dimensions, fitted_on FROM models WHERE active"
        for row in catalogue.database.reader.execute(query):
            models.add_row(*map(str, row))
    out.print(table, models)


@cli.command()
def reindex() -> None:
    """Make passages, words, vectors and the latent model again."""
    with opened(settings().data) as catalogue:
        total, done = 3 * len(catalogue), 0  # about: a long document has several passages
        with counting("reindexing", total) as bar:

            def heard(count: int) -> None:
                nonlocal done
                done += count
                bar(done, "")

            catalogue.analyse_again(heard)
            catalogue.ensure_models(heard, refit=True)


@cli.command()
def train() -> None:
    """Train the pairwise ranking model on the judged seed queries (tune split)."""
    from app.model.commands import train_on_seed  # noqa: PLC0415 - scikit-learn takes a second
    from app.model.train import TooFewQueries  # noqa: PLC0415

    chosen = settings()
    with opened(chosen.data) as catalogue:
        try:
            model, measured = train_on_seed(catalogue, model_path(chosen))
        except TooFewQueries as error:
            raise refuse(f"{error}. Is the seed catalogue imported?") from error
    out.print(f"pairwise {model.card.version} written to {model_path(chosen)}")
    out.print(f"nDCG@10 on the test split: {measured}. Restart the service to use it.")


@cli.command()
def evaluate() -> None:
    """Measure the rankings on the judged seed queries (test split)."""
    from app.model.commands import evaluate_on_seed  # noqa: PLC0415

    chosen = settings()
    with opened(chosen.data) as catalogue:
        table = Table("model", "nDCG@10", "95 % interval", "queries")
        try:
            measured = evaluate_on_seed(catalogue, model_path(chosen))
        except ArtefactRefused as error:
            raise refuse(f"{model_path(chosen)}: {error}; train anew.") from error
        for name, quality in measured.items():
            interval = f"{quality.low:.3f}-{quality.high:.3f}"
            table.add_row(name, f"{quality.mean:.3f}", interval, str(quality.queries))
    out.print(table)


@cli.command()
def vocabulary(weaver: Path | None = None) -> None:
    """Print everything the service emits, as Markdown (docs/telemetry.md).

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
