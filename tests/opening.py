"""The types of the fixtures in conftest.py."""

from collections.abc import Iterable
from typing import Protocol

from app.catalogue.store import Catalogue
from app.recommend.types import Document


class OpenCatalogue(Protocol):
    """Opens `name` in the test's folder, stores the documents, makes the models.

    The same name opened again is the same file behind another `Database`, as another process
    would have it.
    """

    def __call__(
        self, documents: Iterable[Document] = (), name: str = "catalogue.db"
    ) -> Catalogue: ...
