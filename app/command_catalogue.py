"""Opens the catalogue of a data folder for a command; turns its errors into messages."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.catalogue.database import SchemaTooNew
from app.catalogue.store import Catalogue
from app.catalogue.vectors import StaleVectors
from app.composition import chosen_encoder, open_catalogue
from app.console import print_error, refuse
from app.recommend.embedding import EmbedderRefused
from app.settings import Settings


@contextmanager
def open_for_command(settings: Settings) -> Iterator[Catalogue]:
    """Open the catalogue with the encoder of the settings; close it at the end of the block.

    Raises typer.Exit, after a message on standard error, for every failure of the database or a
    file. A closed standard output (`| head`) is not a failure.
    """
    folder = settings.data
    try:
        encoder = chosen_encoder(settings)
        if encoder.problem:
            print_error(f"{encoder.problem}.", "yellow")
        try:
            catalogue = open_catalogue(folder, encoder=encoder.embedder)
        except OSError as error:
            raise refuse(_unusable(folder, error)) from error
        with closing(catalogue.database):
            yield catalogue
    except (SchemaTooNew, EmbedderRefused) as error:
        raise refuse(str(error)) from error
    except StaleVectors as error:
        how = "Use the settings of the service, or run: python -m app reindex"
        raise refuse(f"{error}. {how}") from error
    except sqlite3.DatabaseError as error:
        raise refuse(_unusable(folder, error)) from error
    except BrokenPipeError:  # the reader of standard output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f"Cannot use {error.filename}: " if error.filename else ""
        raise refuse(f"{where}{error.strerror or error}.") from error


def complete_models(catalogue: Catalogue) -> None:
    """Add what is missing of the models, as the service does at its start.

    Raises StaleVectors if the documents' vectors are by another encoder: a running service would
    lose them.
    """
    if len(catalogue):
        catalogue.check_encoder()
    catalogue.ensure_models()


def _unusable(folder: Path, error: Exception) -> str:
    return f"Cannot use the data folder {folder}: {error}. Set VITRINE_DATA to another folder."
