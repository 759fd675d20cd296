"""The catalogue of a data folder, for a command of the command line."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.catalogue.database import SchemaTooNew
from app.catalogue.store import Catalogue
from app.console import refuse
from app.parts import open_catalogue


@contextmanager
def opened(folder: Path) -> Iterator[Catalogue]:
    """The catalogue of a data folder; what is wrong with the folder is told in a sentence."""
    try:
        catalogue = open_catalogue(folder)
        try:
            yield catalogue
        finally:
            catalogue.database.close()
    except SchemaTooNew as error:
        raise refuse(str(error)) from error
    except (sqlite3.DatabaseError, OSError) as error:
        told = f"The data folder {folder} can't be used: {error}. VITRINE_DATA names another."
        raise refuse(told) from error
