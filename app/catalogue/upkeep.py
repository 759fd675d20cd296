"""Making the words of every document anew, as is needed when the text analysis has changed."""

from app.catalogue.database import Database
from app.catalogue.vectors import BATCH, Prepared, Progress
from app.recommend.types import Document


def rewrite_words(database: Database, progress: Progress) -> None:
    """Analyse every document again; indexes in memory notice when models are made anew after it."""
    last, more = 0, True
    while more:
        with database.write() as connection:
            query = "SELECT key, title, text FROM documents WHERE key > ? ORDER BY key LIMIT ?"
            rows = connection.execute(query, (last, BATCH)).fetchall()
            for key, title, text in rows:
                stems = " ".join(Prepared.of(Document("", title, text)).stems)
                connection.execute("UPDATE words SET stems = ? WHERE rowid = ?", (stems, key))
        more = len(rows) == BATCH
        last = rows[-1][0] if rows else last
        progress(len(rows))
