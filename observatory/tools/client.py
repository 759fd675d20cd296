"""Questions to a running observatory over HTTP: its store can be opened by one process only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

SECONDS = 60
Parameters = Mapping[str, str | int | float | Sequence[str] | None]


class ToolFailure(Exception):
    """The question was not answered; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Client:
    """The observatory whose page is at `url`, which has no slash at the end."""

    url: str

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        """The JSON content of a path of the API; parameters without a value are left out.

        Raises:
            ToolFailure: it refused the request, or does not run.

        """
        return self._content("GET", path, params=_given(parameters or {}))

    def post(self, path: str, content: Mapping[str, Any]) -> Any:
        """As `get`, with a JSON body."""
        return self._content("POST", path, json=content)

    def link(self, path: str, parameters: Parameters | None = None) -> str:
        """The address of a page."""
        given = _given(parameters or {})
        return f"{self.url}{path}{'?' if given else ''}{urlencode(given, doseq=True)}"

    def _content(self, method: str, path: str, **request: Any) -> Any:
        try:
            # Without the environment's proxies, which do not know this machine's addresses.
            with httpx.Client(timeout=SECONDS, trust_env=False) as client:
                response = client.request(method, f"{self.url}{path}", **request)
                content = response.json()
        except httpx.ConnectError as error:
            raise ToolFailure(
                f"No observatory answers at {self.url}. Start it with `make run` or "
                "`make observe`, or name another with --url."
            ) from error
        except (httpx.HTTPError, ValueError) as error:
            raise ToolFailure(
                f"{self.url} gave no answer: {error or type(error).__name__}"
            ) from error
        if response.is_error:
            problem = content if isinstance(content, dict) else {}
            title, detail = problem.get("title", response.reason_phrase), problem.get("detail", "")
            raise ToolFailure(f"{title}. {detail}")
        return content


def _given(parameters: Parameters) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value not in (None, "", [])}
