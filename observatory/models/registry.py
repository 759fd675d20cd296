"""The model registry of the service, over its API: what the store does not have.

Only the configured address is called, without redirects: the token goes nowhere else.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from observatory.ui.responses import Problem

SECONDS = 10
"""Time limit of a call; promoting loads the version first."""
MAX_BYTES = 4 << 20
VERSION = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")
"""An id, a number or a hash of a version."""
BEARER = re.compile(r"Bearer [!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class Registry:
    """Calls the service at `address`; an empty address turns it off."""

    address: str

    def versions(self) -> Any:
        """Versions with their cards and roles, and the latest changes.

        Raises:
            Problem: as `change`.

        """
        return self._call("GET", "/models")

    def promote(self, version: str, given: Mapping[str, Any], authorization: str) -> Any:
        """Promote a version; `given`: `by`, `reason`, `force`; `authorization`: the header.

        Raises:
            Problem: 404, it can't be a version; otherwise as `change`.

        """
        if not VERSION.fullmatch(version):
            raise Problem(404, "not-found", "No such version", "GET /api/models lists them.")
        return self._call("POST", f"/models/{version}/promote", given, authorization)

    def roll_back(self, given: Mapping[str, Any], authorization: str) -> Any:
        """Promote the earlier champion again; parameters as `promote`.

        Raises:
            Problem: the service's own; 502, it does not answer; 503, no address is configured.

        """
        return self._call("POST", "/models/rollback", given, authorization)

    def _call(
        self,
        method: str,
        path: str,
        given: Mapping[str, Any] | None = None,
        authorization: str = "",
    ) -> Any:
        if not self.address:
            detail = "Set OBSERVATORY_SERVICE to the address of the service."
            raise Problem(503, "no-service", "The service's address is not configured", detail)
        headers = {"Authorization": authorization} if BEARER.fullmatch(authorization) else {}
        try:
            # The proxies of the environment must not see the token.
            with (
                httpx.Client(timeout=SECONDS, trust_env=False) as client,
                client.stream(method, self.address + path, json=given, headers=headers) as answer,
            ):
                content = _content(answer)
        except httpx.HTTPError as error:
            detail = f"{self.address}: {type(error).__name__}. Is it running? OBSERVATORY_SERVICE "
            raise _unusable(f"{detail}names its address.") from error
        if answer.is_success:
            return content
        raise _problem(answer.status_code, content)


def _content(answer: httpx.Response) -> Any:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise _unusable("Its answer is too long.")
    try:
        return json.loads(body)
    except ValueError as error:
        raise _unusable(f"It answered {answer.status_code} without JSON.") from error


def _problem(status: int, content: Any) -> Problem:
    """The service's own problem."""
    if not isinstance(content, dict) or not 400 <= status < 600:
        return _unusable(f"It answered {status}.")
    name = str(content.get("type", "")).rpartition(":")[2] or "service"
    title = f"The service: {content.get('title', status)}"
    return Problem(status, name, title, str(content.get("detail", "")))


def _unusable(detail: str) -> Problem:
    return Problem(502, "service-unavailable", "The service's registry can't be used", detail)
