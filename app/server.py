"""`python -m app serve`: check the port, build the catalogue, print the address, run uvicorn."""

import socket
from contextlib import suppress

import typer
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from app.catalogue import feedback_journal
from app.catalogue.database import Database
from app.catalogue.seeding import needs_seed, seed
from app.command_catalogue import open_for_command
from app.connections import raise_file_limit
from app.console import print_error, progress_bar, refuse
from app.http_protocol import BoundedProtocol
from app.settings import ServerSettings, Settings
from app.telemetry.kit.environment import pending_warnings

SHUTDOWN_SECONDS = 2
ACCEPTED_AT_ONCE = 32
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not chosen


def serve(settings: Settings) -> None:
    """Serve until interrupted."""
    server = settings.server
    if settings.faults.allowed and server.workers > 1:
        raise refuse(
            "Faults are switched in one process: set VITRINE_SERVER__WORKERS=1, or leave "
            "VITRINE_FAULTS__ALLOWED unset."
        )
    check_port(server)
    raise_file_limit(settings.limits)
    prepare(settings)
    if server.workers > 1:  # a single process logs them; several would repeat them
        for sentence in pending_warnings():
            print_error(sentence, "yellow")
    base = base_url(server)
    glob = " -g" if "[" in base else ""  # curl reads brackets as a pattern
    print_error(f"\nVitrine listens on {base} (API: {base}/docs). Try it from a shell:")
    print_error(f"\n  curl -s{glob} '{base}/recommend?q=keep+bread+from+going+stale&limit=3'\n")
    if server.host in EVERY_ADDRESS and not server.allowed_hosts:
        print_error(
            "Requests for a host name with a dot get status 421 until that name is allowed: "
            "VITRINE_SERVER__ALLOWED_HOSTS=recommend.example.org\n"
        )
    config = uvicorn.Config(
        "app.main:app_from_environment",
        factory=True,
        host=server.host,
        port=server.port,
        workers=server.workers,
        http=BoundedProtocol,
        ws="none",
        access_log=False,
        proxy_headers=bool(server.proxies),
        forwarded_allow_ips=server.proxies or None,
        root_path=server.root_path,
        log_level="warning",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    sockets = listeners(config)
    if server.workers > 1:
        Multiprocess(config, sockets).run()
        return
    running = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        running.run(sockets)
    if not running.started:
        raise typer.Exit(STARTUP_FAILURE)


def listeners(config: uvicorn.Config) -> list[socket.socket]:
    """Duplicates of one listening socket.

    uvloop (libuv) accepts one connection per listener and iteration of the event loop. With slow
    iterations, connections would wait for seconds and the kernel would drop new ones.
    """
    first = config.bind_socket()
    return [first, *(first.dup() for _ in range(ACCEPTED_AT_ONCE - 1))]


def base_url(server: ServerSettings) -> str:
    """The URL of the server, with an IPv6 address in brackets."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}"


def check_port(server: ServerSettings) -> None:
    """Raises typer.Exit, after a message, if the address can't be bound."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((server.host, server.port))
        except OSError as error:
            if isinstance(error, socket.gaierror):
                raise refuse(f"{server.host} is not an address of this machine.") from error
            raise refuse(
                f"Port {server.port} on {server.host} is not available ({error.strerror}). Stop "
                f"what uses it, or set another: VITRINE_SERVER__PORT={server.port + 1}"
            ) from error


def prepare(settings: Settings) -> None:
    """Build the seed catalogue on the first start; rebuild stale vectors on every start."""
    folder = settings.data
    with open_for_command(settings) as catalogue:
        Database(
            folder / "journal.db", feedback_journal.SCHEMA, feedback_journal.SCHEMA_VERSION
        ).close()
        if needs_seed(catalogue, folder):
            with progress_bar("building the seed catalogue", 480) as bar:
                seed(catalogue, folder, lambda stored: bar(stored, f"{stored} documents"))
            return
        done = 0
        with progress_bar("updating the indexes", len(catalogue)) as bar:

            def on_progress(count: int) -> None:
                nonlocal done
                done += count
                bar(done, "")

            catalogue.ensure_models(on_progress)
