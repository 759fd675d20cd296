"""Workers end with their supervisor, however it ends: else they would keep the port."""

import multiprocessing
import os
import signal
import threading

GRACE_SECONDS = 10
"""What a worker has to end by itself; stopping takes up to five seconds."""


def end_with_supervisor() -> None:
    """In a worker process: end it as SIGTERM would, as soon as the supervisor is gone.

    A worker holds the reading end of a pipe whose writing end is the supervisor's alone, so its end
    is noticed on every system and also when it came before this call.
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
