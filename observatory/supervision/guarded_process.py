"""A child process whose whole group ends when it ends, or when this process ends in any way.

Linux could do this with PR_SET_PDEATHSIG, macOS cannot; a pipe works on both. A shell starts a
watcher in the background and then becomes the command. The watcher waits for the end of the pipe,
whose other end only this process holds. While the watcher lives, the id of the group cannot be
given to another process.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO

STOP_SECONDS = 10
"""After this a process that was asked to stop is killed, with its group."""
MAX_LINE_BYTES = 1 << 20
_SCRIPT = f"""
exec 3<&0
(
    trap '' HUP INT TERM
    read _ <&3
    seconds=0
    kill -s TERM $$ && while kill -0 $$ && [ $seconds -lt {STOP_SECONDS} ]; do
        seconds=$((seconds + 1))
        sleep 1
    done
    kill -s KILL -- -$$
) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"""


@dataclass(frozen=True, slots=True)
class GuardedProcess:
    """A running process and its group; standard input is empty."""

    process: asyncio.subprocess.Process
    _pipe: FileIO
    """Its closing ends the group; as long as it is open, the group's id is valid."""

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> "GuardedProcess":
        """Start a command; `stdout` and `stderr` as for `asyncio.create_subprocess_exec`.

        A command that does not exist ends with status 127, and one that cannot be run with 126,
        after a message of the shell.
        """
        theirs, descriptor = os.pipe()
        ours = FileIO(descriptor, "w")
        try:
            process = await asyncio.create_subprocess_exec(
                *("sh", "-c", _SCRIPT, "sh", *command),
                env=environment,
                stdin=theirs,  # not PIPE: then `wait` would also wait for the watcher
                stdout=stdout,
                stderr=stderr,
                limit=MAX_LINE_BYTES,
                process_group=0,  # Ctrl-C in a terminal goes to the supervisor only
            )
        except BaseException:
            ours.close()
            raise
        finally:
            os.close(theirs)
        return cls(process, ours)

    async def wait(self) -> int:
        """Wait for its end and kill what is left of its group; negative status: a signal."""
        status = await self.process.wait()
        self.kill()
        self._pipe.close()
        return status

    async def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal and wait for the end; after STOP_SECONDS, kill it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        try:
            await asyncio.wait_for(asyncio.shield(self.process.wait()), STOP_SECONDS)
        except TimeoutError:
            self.kill()
        await self.wait()

    def kill(self) -> None:
        """Kill its group at once, unless it has ended."""
        if not self._pipe.closed:
            with suppress(ProcessLookupError, PermissionError):  # macOS: only zombies are left
                os.killpg(self.process.pid, signal.SIGKILL)


def describe_end(status: int) -> str:
    """How a process ended, for a sentence: `was killed by SIGKILL`, `ended with status 1`."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
