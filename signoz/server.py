"""SigNoz's HTTP API, as far as provisioning needs it; what goes wrong is told in one sentence."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

READY = "/api/v2/healthz"
"""Answers 200 as soon as the first user can log in; ClickHouse need not be there."""
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
TIMEOUT, LONGEST_PAUSE = 30.0, 5.0
"""Seconds."""


class Trouble(Exception):
    """Why provisioning ends; the message is for whoever runs it."""

    code = 2


class Away(Trouble):
    """Nobody answers, or not as SigNoz does."""

    code = 3


class NotLetIn(Trouble):
    """It does not take the e-mail address and the password."""

    code = 4


class Refused(Trouble):
    """It does not want what it was sent; the message is its own."""

    code = 5


class Server:
    """One SigNoz. Logs in by itself, and again when its token is no longer taken."""

    def __init__(self, url: str, email: str, password: str) -> None:
        try:
            parts = urlsplit(url.rstrip("/"))
            self._connection = CONNECTIONS[parts.scheme]
            self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path
        except (KeyError, ValueError):
            self._host = ""
        if not self._host:
            raise Trouble(f"SIGNOZ_URL is {url!r}; it has to be like http://signoz:8080.")
        self._url, self._email, self._password = url, email, password
        self._token = ""

    def await_ready(self, patience: float) -> None:
        """Return as soon as it serves; give up after so many seconds."""
        deadline, pause = time.monotonic() + patience, 0.25
        while True:
            left = deadline - time.monotonic()
            try:
                status, _ = self._send("GET", READY, timeout=max(min(left, TIMEOUT), 0.1))
                reason = f"{READY} answers {status}"
            except Away as error:
                status, reason = 0, str(error).rstrip(".")
            if status == http.HTTPStatus.OK:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise Away(f"SigNoz was not ready within {patience:g} s: {reason}.")
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The `data` of its answer; the settings' endpoints answer without that envelope."""
        if not self._token:
            self._log_in()
        status, answer = self._send(method, path, body)
        if status == http.HTTPStatus.UNAUTHORIZED:  # a token lasts for half an hour
            self._log_in()
            status, answer = self._send(method, path, body)
        if status >= http.HTTPStatus.MULTIPLE_CHOICES:
            raise Refused(f"{_reason(status, answer)} ({method} {path})")
        return answer.get("data", answer)

    def _log_in(self) -> None:
        self._token = ""
        where = urlencode({"email": self._email, "ref": self._url})
        status, answer = self._send("GET", f"/api/v2/sessions/context?{where}")
        organisations = (answer.get("data") or {}).get("orgs") or []
        if status != http.HTTPStatus.OK or not organisations:
            raise NotLetIn(
                f"SigNoz at {self._url} knows no organisation of {self._email}: "
                f"{_reason(status, answer)}."
            )
        account = {"email": self._email, "password": self._password}
        body = account | {"orgId": organisations[0]["id"]}
        status, answer = self._send("POST", "/api/v2/sessions/email_password", body)
        self._token = (answer.get("data") or {}).get("accessToken", "")
        if not self._token:
            raise NotLetIn(
                f"SigNoz at {self._url} does not let {self._email} in: {_reason(status, answer)}. "
                "See SIGNOZ_EMAIL and SIGNOZ_PASSWORD."
            )

    def _send(
        self, method: str, path: str, body: object = None, timeout: float = TIMEOUT
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        text = None
        if body is not None:
            text, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = self._connection(self._host, self._port, timeout=timeout)
        try:
            connection.request(method, self._base + path, text, headers)
            response = connection.getresponse()
            status, said = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Away(
                f"Nobody answers at {self._url}: {error or type(error).__name__}."
            ) from error
        finally:
            connection.close()
        try:
            answer = json.loads(said or "{}")
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Away(f"What answers at {self._url} is not SigNoz: {path} is no JSON ({status}).")
        return status, answer


def _reason(status: int, answer: dict[str, Any]) -> str:
    """Its own words; the details of what is wrong are in a list besides."""
    error = answer.get("error")
    if not isinstance(error, dict):
        return str(error or f"it answers {status}")
    details = [each.get("message") for each in error.get("errors") or []]
    said = "; ".join(filter(None, [error.get("message"), *details]))
    return " ".join(said.split()).rstrip(".") or f"it answers {status}"
