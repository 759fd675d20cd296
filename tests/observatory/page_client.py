"""A client of the page's API."""

from collections.abc import Iterator
from typing import Any

from starlette.testclient import TestClient

MOST_PAGES = 100
PROBLEM = "application/problem+json"
ROWS = 50
"""Of a result of SQL."""


class Page:
    """The application, over ASGI instead of a socket."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, **parameters: Any) -> Any:
        """What /api/… answers; `from_` is `from`, a list gives a parameter many times."""
        answer = self.client.get(f"/api/{path}", params=_named(parameters))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    def problem(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The problem that it answers with."""
        return read_problem(self.client.get(f"/api/{path}", params=_named(parameters)))

    def sql(self, query: str) -> Any:
        """The result of a statement."""
        answer = self.client.post("/api/sql", json={"query": query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sql_problem(self, query: str) -> dict[str, Any]:
        """The problem that a statement is answered with."""
        return read_problem(self.client.post("/api/sql", json={"query": query}))

    def ids(self, **parameters: Any) -> list[int]:
        """Numbers of the traces in a list."""
        return [int(each["trace_id"], 16) for each in self.get("traces", **parameters)["traces"]]

    def pages(self, path: str, name: str, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
        """All pages of a list, each from where the one before ended."""
        page = self.get(path, **parameters)
        yield page[name]
        for _ in range(MOST_PAGES):
            if not page["more"]:
                return
            page = self.get(path, **parameters, before=page["next"])
            yield page[name]
        raise AssertionError("the pages have no end")


def read_problem(answer: Any) -> dict[str, Any]:
    """A problem, which has all its parts."""
    assert answer.headers["content-type"] == PROBLEM, answer.text
    problem: dict[str, Any] = answer.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == answer.status_code >= 400
    assert problem["type"].startswith("urn:vitrine:problem:")
    return problem


def _named(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name.rstrip("_"): each for name, each in parameters.items()}
