"""Ends a worker process when its supervisor has ended; an orphaned worker would keep the port."""

import multiprocessing
import os
import signal
import threading

GRACE_SECONDS = 10
"""Time for a graceful stop, which takes up to five seconds, before the process exits."""


def end_with_supervisor() -> None:
    """In a worker process: send itself SIGTERM as soon as the supervisor has ended.

    The worker holds the reading end of a pipe whose writing end only the supervisor holds. This
    works on every system, and also if the supervisor ended before this call.
    """
    if (supervisor := multiprocessing.parent_process()) is None:
        return

    def wait() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)
        ended = threading.Event()
        ended.wait(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()
