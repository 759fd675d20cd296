"""The service as a process of its own, on a socket that its parent listens on already.

python page_server.py FILE_DESCRIPTOR, with VITRINE_DATA set.
"""

import socket
import sys
from contextlib import closing

import uvicorn

from app.composition import open_catalogue
from app.main import create_app
from app.recommend.types import Document
from app.settings import Settings

HOSTILE_TITLE = '<img src=x onerror="alert(1)"> \u202eeltit</h3><script>alert(2)</script>'
HOSTILE_TEXT = (
    "A zugzwang <script>alert(3)</script> <img src=x onerror=alert(4)> \u202ebackwards\u202c "
    "<b style='position:fixed'>bold</b> &lt;i&gt; in chess."
)
LONG_TEXT = "A glacier moves slowly downhill under its own weight and carves valleys. " * 30

DOCUMENTS = [
    Document(
        "staling",
        "Staling",
        "Bread goes stale as its starch takes up water and sets again. Freezing nearly stops it.",
        "cooking",
        "https://en.wikipedia.org/wiki/Staling",
    ),
    Document(
        "bread",
        "Bread",
        "Flour, water, salt and yeast are kneaded into dough, which the oven turns into bread.",
        "cooking",
        "https://en.wikipedia.org/wiki/Bread",
    ),
    Document(
        "sourdough",
        "Sourdough",
        "Wild yeast and bacteria raise this bread and keep it from going stale for days.",
        "cooking",
        "https://en.wikipedia.org/wiki/Sourdough",
    ),
    Document(
        "machine-learning",
        "Machine learning",
        "A program is shown examples and adjusts its numbers until its answers fit them.",
        "computing",
        "https://en.wikipedia.org/wiki/Machine_learning",
    ),
    Document("glacier", "Glacier", LONG_TEXT, "earth", "https://en.wikipedia.org/wiki/Glacier"),
    Document("hostile", HOSTILE_TITLE, HOSTILE_TEXT, "<i>chess</i>", "javascript:alert(5)"),
]


def main() -> None:
    """Fill the catalogue, then serve until a signal."""
    settings = Settings()
    catalogue = open_catalogue(settings.data)
    with closing(catalogue.database):
        catalogue.put(DOCUMENTS)
        catalogue.ensure_models()
    listening = socket.socket(fileno=int(sys.argv[1]))
    config = uvicorn.Config(create_app(settings), log_level="warning")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
