"""Simulated users who search, read and click, so that dashboards have data: a locustfile.

`make traffic`, or `locust -f benchmarks/traffic.py --headless --users 10 --run-time 10m --host …`.
They send the judged queries, some far more often than others. They click relevant results more
often than irrelevant ones, and results at the top more often than those below.
"""

from http import HTTPStatus
from itertools import count
from random import Random
from typing import Any

from locust import HttpUser, between, task

from app.model.judged import JudgedQuery, seed_queries

LOOKED_AT = 0.8
"""Probability that a user who looked at a result also looks at the next one."""
CLICKED = {0: 0.03, 1: 0.25, 2: 0.4, 3: 0.6}
"""Probability of a click on a result that was looked at, by its relevance grade."""
BEST = 3
LONGEST_MS = 90_000
QUERIES = sorted(seed_queries("tune") + seed_queries("test"), key=lambda query: query.id)
POPULARITY = [1 / rank for rank in range(1, len(QUERIES) + 1)]
numbers = count()


class Reader(HttpUser):
    """A user who sends a query every few seconds. Runs with equal numbers of users are equal."""

    wait_time = between(1, 4)

    def on_start(self) -> None:
        """Each user has its own order of popularity of the queries."""
        self.random = Random(next(numbers))
        self.queries = self.random.sample(QUERIES, len(QUERIES))

    @task(16)
    def search(self) -> None:
        """Send a query, read the results from the top, click and stay for a while."""
        [query] = self.random.choices(self.queries, POPULARITY)
        found = self.client.post("/recommend", json={"query": query.text, "limit": 10})
        if found.status_code == HTTPStatus.OK:
            self.read(query, found.json())

    @task(3)
    def browse(self) -> None:
        """Request documents similar to a document."""
        query = self.random.choice([each for each in QUERIES if each.relevance])
        document = self.random.choice(sorted(query.relevance))
        self.client.get(f"/documents/{document}/similar", name="/documents/{id}/similar")

    @task(1)
    def send_empty_query(self) -> None:
        """Send an empty query, which is refused."""
        with self.client.post("/recommend", json={"query": " "}, catch_response=True) as answer:
            if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
                answer.success()

    def read(self, query: JudgedQuery, found: dict[str, Any]) -> None:
        """Look at results from the top, and report clicks and dwell times."""
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
