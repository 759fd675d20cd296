"""Open-loop traffic at a modest rate: searches, clicks and writes of many clients."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import httpx

from app.model.judged import seed_queries
from benchmarks.drills.world import TOKEN

RATE = 10
"""Requests a second."""
NOTES = 20
"""Documents that are written again and again: fewer than any category of the seed catalogue has."""
Request = tuple[str, str, Mapping[str, Any] | None, str]
"""Method, path, body, and the client's address."""


class Traffic(threading.Thread):
    """Sends while `running`; `mixture` makes each next request, and `rate` how many a second."""

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.random = Random(seed)
        self._queries = [each.text for each in seed_queries("tune") + seed_queries("test")]
        self._url = f"http://127.0.0.1:{port}"
        self._shown: list[tuple[str, str]] = []
        self._number = 0
        self.rate: float = RATE
        self.mixture: Callable[[Random], Request | None] = lambda _: None
        self.running = True
        self.start()

    def run(self) -> None:
        """Send until stopped."""
        asyncio.run(self._send())

    def client(self) -> str:
        """The address of one of forty clients."""
        return f"203.0.113.{self.random.randrange(40)}"

    def query(self) -> str:
        """A judged query, popular ones far more often, six of ten with a further word."""
        at = min(int(self.random.paretovariate(0.7)) - 1, len(self._queries) - 1)
        text = self._queries[at]
        if self.random.random() < 0.6:
            text += " " + self.random.choice(self._queries).split()[-1]
        return text

    def usual(self) -> Request:
        """The next request of the usual mixture."""
        client, chosen = self.client(), self.random.random()
        if chosen < 0.12 and self._shown:
            recommendation, document = self._shown[-1]
            body = {"recommendation_id": recommendation, "document_id": document, "kind": "click"}
            return "POST", "/feedback", body, client
        if chosen < 0.13:
            self._number += 1
            text = f"Notes on {self.query()}, number {self._number % NOTES}."
            body = {"title": "Notes", "text": text, "category": "notes"}
            return "PUT", f"/documents/note-{self._number % NOTES}", body, client
        return "POST", "/recommend", {"query": self.query(), "limit": 5}, client

    async def _send(self) -> None:
        limits = httpx.Limits(max_connections=50)
        sending: set[asyncio.Task[None]] = set()
        async with httpx.AsyncClient(base_url=self._url, timeout=10, limits=limits) as client:
            due = time.monotonic()
            while self.running:
                due = max(due + self.random.expovariate(self.rate), time.monotonic() - 1)
                await asyncio.sleep(max(0, due - time.monotonic()))
                request = self.mixture(self.random) or self.usual()
                if len(sending) < 200:
                    task = asyncio.create_task(self._one(client, request))
                    sending.add(task)
                    task.add_done_callback(sending.discard)

    async def _one(self, client: httpx.AsyncClient, request: Request) -> None:
        method, path, body, address = request
        headers = {"X-Forwarded-For": address}
        if method == "PUT":
            headers["Authorization"] = f"Bearer {TOKEN}"
        try:
            answer = await client.request(method, path, json=body, headers=headers)
            content = answer.json()
        except (httpx.HTTPError, ValueError, RuntimeError):
            return
        if path == "/recommend" and content.get("results"):
            self._shown.append(
                (content["recommendation_id"], content["results"][0]["document"]["id"])
            )
            del self._shown[:-100]
