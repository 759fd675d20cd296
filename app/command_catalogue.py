"""The catalogue of a data folder, for a command of the command line."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.catalogue.database import SchemaTooNew
from app.catalogue.store import Catalogue
from app.composition import open_catalogue
from app.console import refuse
from app.recommend.embedding import EmbedderRefused


@contextmanager
def opened(folder: Path) -> Iterator[Catalogue]:
    """The catalogue of a data folder; what goes wrong is said in a sentence.

    A reader of standard output that goes away, as `head` does, is no failure.
    """
    try:
        try:
            catalogue = open_catalogue(folder)
        except OSError as error:
            raise refuse(_unusable(folder, error)) from error
        with closing(catalogue.database):
            yield catalogue
    except (SchemaTooNew, EmbedderRefused) as error:
        raise refuse(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise refuse(_unusable(folder, error)) from error
    except BrokenPipeError:  # whoever read the output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f"{error.filename} can't be used: " if error.filename else ""
        raise refuse(f"{where}{error.strerror or error}.") from error


def _unusable(folder: Path, error: Exception) -> str:
    return f"The data folder {folder} can't be used: {error}. VITRINE_DATA names another."
