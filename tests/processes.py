"""Real processes that run a few lines of this program, and are stopped however a test likes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from tests.waiting import TIMEOUT

ROOT = Path(__file__).parents[1]

Process = subprocess.Popen[str]


@contextmanager
def running(script: str, *arguments: object, **environment: str) -> Iterator[Process]:
    """A Python process that runs `script`; it is killed at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_output(process: Process) -> str:
    """The output of a process that ends by itself, with exit code 0."""
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    return output


def killed(process: Process, lines: int, random: Random) -> list[str]:
    """Kill -9 at a random moment after so many lines; returns all whole lines."""
    assert process.stdout is not None
    output = [process.stdout.readline().strip() for _ in range(lines)]
    assert all(output)
    with suppress(subprocess.TimeoutExpired):
        process.wait(random.uniform(0, 0.1))
    process.kill()
    process.wait(TIMEOUT)
    rest = process.stdout.read()  # communicate() would miss what readline() has read ahead
    whole = rest[: rest.rfind("\n") + 1]  # a line cut short does not count
    return output + whole.split("\n")[:-1]
