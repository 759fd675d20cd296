"""The servers to measure: each in a separate process, on a free port of 127.0.0.1."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import grpc
import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.api.wire import RecommendRequest, RecommendResponse
from app.main import app_from_environment
from benchmarks.usual_telemetry import usual_app

STARTING_SECONDS = 60


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(
    what: str, environment: Mapping[str, str], *, quiet: bool = False
) -> Iterator[tuple[int, int]]:
    """Run `what` (serve, app, empty or wikipedia); yields its port and process id."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.servers", what, str(port)]
    if what == "serve":  # as in production: with the service's own server settings
        command = [sys.executable, "-m", "app", "serve"]
        environment = {**environment, "VITRINE_SERVER__PORT": str(port)}
    silence = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen(command, env=os.environ | environment, stdout=silence)
    try:
        _wait(port, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")


def resident_megabytes(process: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmRSS")


def empty_app() -> FastAPI:
    """An endpoint that always returns the same response, taken from the real service."""
    with urllib.request.urlopen(os.environ["EXAMPLE"]) as answer:
        example = RecommendResponse.model_validate_json(answer.read())
    app = FastAPI()

    @app.post("/recommend")
    async def recommend(asked: RecommendRequest) -> RecommendResponse:
        del asked
        return example

    return app


async def wikipedia(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers every search with three pages."""
    del receive
    query = parse_qs(scope["query_string"].decode())["q"][0]
    pages = [{"title": each, "excerpt": query} for each in (query, "Bread", "Machine learning")]
    body = json.dumps({"pages": pages}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def sink(port: int) -> None:
    """An OTLP/gRPC receiver that accepts everything and writes the total bytes to the file SINK."""
    total, path, lock = 0, Path(os.environ["SINK"]), threading.Lock()

    def receive(request: bytes, _: grpc.ServicerContext) -> bytes:
        nonlocal total
        with lock:
            total += len(request)
            path.write_text(str(total))
        return b""

    class Anything(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(receive)

    collector = grpc.server(ThreadPoolExecutor(4))
    collector.add_generic_rpc_handlers([Anything()])
    collector.add_insecure_port(f"127.0.0.1:{port}")
    collector.start()
    collector.wait_for_termination()


def main() -> None:
    """Run one server; arguments: NAME PORT."""
    what, port = sys.argv[1], int(sys.argv[2])
    target: dict[str, Callable[..., Any]] = {
        "app": app_from_environment,
        "empty": empty_app,
        "wikipedia": wikipedia,
        "usual": usual_app,
    }
    if what == "sink":
        sink(port)
        return
    uvicorn.run(
        target[what],
        factory=what != "wikipedia",
        port=port,
        lifespan="off" if what == "wikipedia" else "on",
        log_level="error",
        access_log=False,
    )


if __name__ == "__main__":
    main()
