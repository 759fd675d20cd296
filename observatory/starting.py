"""Starting from the command line: what can't be had is told in a sentence."""

import json
import logging
import os
import signal
import sys
import threading

from app.console import refuse, told
from observatory.engine import EngineError
from observatory.ports import PortTaken
from observatory.serving import Doors, serve
from observatory.settings import PREFIX, ObservatorySettings


def start(chosen: ObservatorySettings, with_another: bool) -> None:
    """Serve until interrupted; `with_another`: until whoever started this is gone, too."""
    logging.basicConfig(level=logging.WARNING, format="observatory: %(message)s")

    def ready(doors: Doors) -> None:
        told(f"\nThe observatory shows traces, charts and logs on {doors.page}")
        if with_another:
            print(json.dumps(doors._asdict()), flush=True)  # noqa: T201  to who started it
            _end_with(sys.stdin.fileno())

    try:
        serve(chosen, ready)
        os._exit(0)  # all is stored, and nothing that is still under way is worth waiting for
    except PortTaken as error:
        raise refuse(
            f"The observatory can't start: {error}. Stop what uses it, or choose another "
            f"({PREFIX}…_PORT, see docs/observatory.md), or do without: make run OBSERVATORY=0"
        ) from error
    except EngineError as error:
        raise refuse(
            f"The observatory can't use its folder {chosen.data}: {error} "
            f"({PREFIX}DATA names another; or do without: make run OBSERVATORY=0)"
        ) from error


def _end_with(stream: int) -> None:
    """Stop when the file ends: whoever held its other end is gone, however that came about."""

    def watch() -> None:
        while os.read(stream, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="watch for the end", daemon=True).start()
