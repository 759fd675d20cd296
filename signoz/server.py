"""Client for the part of SigNoz's HTTP API that provisioning needs."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

READY = "/api/v2/healthz"
"""Answers 200 as soon as the first user can log in, even while ClickHouse is down."""
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
TIMEOUT, LONGEST_PAUSE = 30.0, 5.0
"""Seconds."""


class ProvisioningError(Exception):
    """Provisioning failed; the message is shown to the user, `code` is the exit code."""

    code = 2


class Unreachable(ProvisioningError):
    """Nothing answers at the URL, or what answers is not SigNoz."""

    code = 3


class LoginRefused(ProvisioningError):
    """SigNoz refused the e-mail address and the password."""

    code = 4


class Refused(ProvisioningError):
    """SigNoz refused a request; the message is SigNoz's own."""

    code = 5


class Server:
    """A SigNoz server. Logs in when needed, and again when the token has expired."""

    def __init__(self, url: str, email: str, password: str) -> None:
        try:
            parts = urlsplit(url.rstrip("/"))
            self._connection = CONNECTIONS[parts.scheme]
            self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path
        except (KeyError, ValueError):
            self._host = ""
        if not self._host:
            raise ProvisioningError(
                f"SIGNOZ_URL is {url!r}; it must be a URL like http://signoz:8080."
            )
        self._url, self._email, self._password = url, email, password
        self._token = ""

    def await_ready(self, patience: float) -> None:
        """Return as soon as it serves. Raises Unreachable after `patience` seconds."""
        deadline, pause = time.monotonic() + patience, 0.25
        while True:
            left = deadline - time.monotonic()
            try:
                status, _ = self._send("GET", READY, timeout=max(min(left, TIMEOUT), 0.1))
                reason = f"{READY} answers {status}"
            except Unreachable as error:
                status, reason = 0, str(error).rstrip(".")
            if status == http.HTTPStatus.OK:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unreachable(f"SigNoz was not ready within {patience:g} s: {reason}.")
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The `data` of the response; the settings endpoints answer without that envelope."""
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
            raise LoginRefused(
                f"SigNoz at {self._url} has no organisation for {self._email}: "
                f"{_reason(status, answer)}."
            )
        account = {"email": self._email, "password": self._password}
        body = account | {"orgId": organisations[0]["id"]}
        status, answer = self._send("POST", "/api/v2/sessions/email_password", body)
        self._token = (answer.get("data") or {}).get("accessToken", "")
        if not self._token:
            raise LoginRefused(
                f"SigNoz at {self._url} refuses the login of {self._email}: "
                f"{_reason(status, answer)}. Check SIGNOZ_EMAIL and SIGNOZ_PASSWORD."
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
            status, content = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                f"Nothing answers at {self._url}: {error or type(error).__name__}."
            ) from error
        finally:
            connection.close()
        try:
            answer = json.loads(content or "{}")
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unreachable(
                f"What answers at {self._url} is not SigNoz: {path} is not JSON ({status})."
            )
        return status, answer


def _reason(status: int, answer: dict[str, Any]) -> str:
    """SigNoz's error message, with the details that it sends in a separate list."""
    error = answer.get("error")
    if not isinstance(error, dict):
        return str(error or f"it answers {status}")
    details = [each.get("message") for each in error.get("errors") or []]
    message = "; ".join(filter(None, [error.get("message"), *details]))
    return " ".join(message.split()).rstrip(".") or f"it answers {status}"
