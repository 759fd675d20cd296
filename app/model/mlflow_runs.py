"""Records trainings and evaluations as runs of an MLflow tracking server, if one is configured.

MLflow's own variables: MLFLOW_TRACKING_URI (http or https), MLFLOW_EXPERIMENT_NAME, and
MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, and
MLFLOW_HTTP_REQUEST_TIMEOUT (seconds). Its REST API is called directly, so that no package is
needed (https://mlflow.org/docs/latest/rest-api.html).
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from app import __version__

SECONDS = 120
"""Time limit of a read, as in MLflow's client: a server's first answer can take that long."""
CONNECT_SECONDS = 10
UNUSABLE = (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError, OverflowError)
"""What is raised by an address, or by an answer, that is not that of an MLflow server."""
_CREDENTIALS = re.compile(r"//[^/\s]*@")
EXPERIMENT = "vitrine"
MAX_PARAMETER = 500
"""Characters of a parameter that every version of MLflow accepts."""


@dataclass(frozen=True, slots=True)
class Run:
    """What is recorded. `artefacts`: content by file name; `failed`: the gate refused it."""

    name: str
    kind: str
    started: float
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    artefacts: Mapping[str, bytes] = field(default_factory=dict)
    failed: bool = False


class NotRecorded(Exception):
    """The tracking server can't be used; the message says why."""


def tracking_uri() -> str:
    """The address of the tracking server; empty: there is none."""
    return os.environ.get("MLFLOW_TRACKING_URI", "").rstrip("/")


def record(run: Run) -> str:
    """Record a finished run; the address of its page. Raises NotRecorded."""
    uri = tracking_uri()
    shown = _CREDENTIALS.sub("//", uri)
    if not uri.startswith(("http://", "https://")):
        raise NotRecorded(f"MLFLOW_TRACKING_URI is {shown}; only http and https are supported")
    try:
        seconds = float(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT") or SECONDS)
        limit = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        with httpx.Client(base_url=uri, timeout=limit, **_authorization()) as client:
            return _record(client, run, shown)
    except UNUSABLE as error:
        reason = _CREDENTIALS.sub("//", str(error))
        raise NotRecorded(f"{shown}: {type(error).__name__}: {reason}") from error


def _authorization() -> dict[str, Any]:
    token, user = (os.environ.get(f"MLFLOW_TRACKING_{each}") for each in ("TOKEN", "USERNAME"))
    if token:
        return {"headers": {"Authorization": f"Bearer {token}"}}
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    return {"auth": (user, password)} if user else {}


def _record(client: httpx.Client, run: Run, uri: str) -> str:
    experiment = _experiment(client, os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT)
    now, begun = _milliseconds(time.time()), _milliseconds(run.started)
    tags = {"mlflow.source.name": "vitrine", "vitrine.kind": run.kind, **run.tags}
    tags["vitrine.version"] = __version__
    made = _post(client, "runs/create", {
        "experiment_id": experiment, "run_name": run.name, "start_time": begun,
        "tags": [{"key": name, "value": value} for name, value in tags.items()],
    })["run"]["info"]  # fmt: skip
    _post(client, "runs/log-batch", {
        "run_id": made["run_id"],
        "metrics": [
            {"key": name, "value": value, "timestamp": now, "step": 0}
            for name, value in run.metrics.items()
        ],
        "params": [
            {"key": name, "value": str(value)[:MAX_PARAMETER]}
            for name, value in run.parameters.items()
        ],
    })  # fmt: skip
    for name, content in run.artefacts.items():
        _upload(client, made["artifact_uri"], name, content)
    status = "FAILED" if run.failed else "FINISHED"
    _post(client, "runs/update", {"run_id": made["run_id"], "status": status, "end_time": now})
    return f"{uri}/#/experiments/{experiment}/runs/{made['run_id']}"


def _experiment(client: httpx.Client, name: str) -> str:
    """The id of an experiment, which is created if there is none."""
    path = "/api/2.0/mlflow/experiments/get-by-name"
    answer = client.get(path, params={"experiment_name": name})
    if answer.status_code == httpx.codes.NOT_FOUND:
        return str(_post(client, "experiments/create", {"name": name})["experiment_id"])
    return str(answer.raise_for_status().json()["experiment"]["experiment_id"])


def _post(client: httpx.Client, path: str, content: Mapping[str, Any]) -> Any:
    return client.post(f"/api/2.0/mlflow/{path}", json=content).raise_for_status().json()


def _upload(client: httpx.Client, root: str, name: str, content: bytes) -> None:
    """Through the server, or into the folder that it names."""
    parts = urlsplit(root)
    if parts.scheme == "mlflow-artifacts":
        path = f"/api/2.0/mlflow-artifacts/artifacts{parts.path}/{name}"
        client.put(path, content=content).raise_for_status()
    elif parts.scheme in ("", "file"):
        folder = Path(parts.path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        except OSError as error:
            raise NotRecorded(f"artefacts of {root} can't be written: {error}") from error
    else:
        raise NotRecorded(f"artefacts at {root} are not supported; start it with --serve-artifacts")


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
