"""People who ask, read and click, so that dashboards have something to show: a locustfile.

`make traffic`, or `locust -f benchmarks/traffic.py --headless --users 10 --run-time 10m --host …`.
They ask the judged queries, some far more often than others, and click what is judged relevant
more often than what is not, and what stands high more often than what stands low.
"""

from http import HTTPStatus
from itertools import count
from random import Random
from typing import Any

from locust import HttpUser, between, task

from app.model.judged import JudgedQuery, seed_queries

LOOKED_AT = 0.8
"""Share of those who looked at a result that look at the next one, too."""
CLICKED = {0: 0.03, 1: 0.25, 2: 0.4, 3: 0.6}
"""Share of those who looked at it that click, by the result's grade."""
BEST = 3
LONGEST_MS = 90_000
QUERIES = sorted(seed_queries("tune") + seed_queries("test"), key=lambda query: query.id)
POPULARITY = [1 / rank for rank in range(1, len(QUERIES) + 1)]
numbers = count()


class Reader(HttpUser):
    """Somebody with a question every few seconds; each run of as many people is the same."""

    wait_time = between(1, 4)

    def on_start(self) -> None:
        """Everybody has an order of their own in which queries are popular."""
        self.random = Random(next(numbers))
        self.queries = self.random.sample(QUERIES, len(QUERIES))

    @task(16)
    def ask(self) -> None:
        """Ask, read from the top, click on what fits, and stay there for a while."""
        [query] = self.random.choices(self.queries, POPULARITY)
        found = self.client.post("/recommend", json={"query": query.text, "limit": 10})
        if found.status_code == HTTPStatus.OK:
            self.read(query, found.json())

    @task(3)
    def browse(self) -> None:
        """Look at a document and what is like it."""
        query = self.random.choice([each for each in QUERIES if each.relevance])
        document = self.random.choice(sorted(query.relevance))
        self.client.get(f"/documents/{document}/similar", name="/documents/{id}/similar")

    @task(1)
    def slip(self) -> None:
        """Press Enter before typing: refused, as it should be."""
        with self.client.post("/recommend", json={"query": " "}, catch_response=True) as answer:
            if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
                answer.success()

    def read(self, query: JudgedQuery, found: dict[str, Any]) -> None:
        """What a reader does with a recommendation."""
        for result in found["results"]:
            document = result["document"]["id"]
            grade = min(int(query.relevance.get(document, 0)), BEST)
            if self.random.random() < CLICKED[grade]:
                about = {"recommendation_id": found["recommendation_id"], "document_id": document}
                self.client.post("/feedback", json=about | {"kind": "click"})
                stayed = int(self.random.random() * (grade + 1) / (BEST + 1) * LONGEST_MS)
                self.client.post("/feedback", json=about | {"kind": "dwell", "dwell_ms": stayed})
            if self.random.random() > LOOKED_AT:
                return
