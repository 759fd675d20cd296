"""Install locked requirements, and count them meanwhile: `python requirements/install.py FILE`.

pip alone either prints some lines for each package or, with --quiet, nothing for minutes.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

PIP = (
    "install",
    "--disable-pip-version-check",
    "--no-input",
    "--require-hashes",
    "--no-deps",
    "-r",
)
STEP = 10
"""Without a terminal, every so many packages."""


def main(file: str) -> int:
    """Pip's exit status. Where it is not 0 everything that pip said is printed."""
    total = len(re.findall(r"^[\w.-]+==", Path(file).read_text(), re.MULTILINE))
    command = [sys.executable, "-u", "-m", "pip", *PIP, file]
    said, count = list[str](), 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    ) as pip:
        for line in pip.stdout or ():
            said.append(line)
            if line.startswith("Collecting "):
                count += 1
                show(f"{count} of {total}: {line.split()[1]}", often=count % STEP != 0)
            elif line.startswith("Installing collected packages"):
                show(f"unpacking {count} packages ...")
    if sys.stdout.isatty():
        print()
    if pip.returncode:
        print("".join(said), file=sys.stderr)
    return pip.returncode


def show(progress: str, *, often: bool = False) -> None:
    """One line that changes at a terminal; elsewhere a line of its own, unless it comes `often`."""
    if sys.stdout.isatty():
        print(f"\r\033[K  {progress}", end="", flush=True)
    elif not often:
        print(f"  {progress}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
