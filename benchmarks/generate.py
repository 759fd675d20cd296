"""Documents for speed measurements: shuffled sentences of the seed catalogue, plus rare words."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from app.recommend.types import Document

SEED = Path(__file__).parents[1] / "app" / "catalogue" / "seed"
SENTENCES, RARE_WORDS, RARE_VOCABULARY = 4, 2, 20_000


def seed_documents() -> list[Document]:
    """The seed catalogue."""
    files = (path.read_text("utf-8") for path in sorted(SEED.glob("*.jsonl")))
    return [Document(**json.loads(line)) for file in files for line in file.splitlines()]


def documents(count: int, seed: int = 0) -> Iterator[Document]:
    """`count` documents of about 80 words, the same for the same seed."""
    originals = seed_documents()
    sentences = [part for each in originals for part in each.text.split(". ")]
    titles = [word for each in originals for word in each.title.split()]
    random_ = random.Random(seed)
    for number in range(count):
        body = ". ".join(random_.choices(sentences, k=SENTENCES))
        rare = " ".join(f"zz{random_.randrange(RARE_VOCABULARY):x}" for _ in range(RARE_WORDS))
        title = " ".join(random_.choices(titles, k=3))
        category = originals[number % len(originals)].category
        yield Document(f"made-{number}", title, f"{body}. {rare}.", category)
