"""Install locked requirements with a progress count: `python requirements/install.py FILE`.

pip alone prints either several lines for each package or, with --quiet, nothing for minutes.
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
"""Without a terminal, print the progress every `STEP` packages."""


def main(file: str) -> int:
    """Pip's exit status. If it is not 0, pip's whole output is printed."""
    total = len(re.findall(r"^[\w.-]+==", Path(file).read_text(), re.MULTILINE))
    command = [sys.executable, "-u", "-m", "pip", *PIP, file]
    output, count = list[str](), 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    ) as pip:
        for line in pip.stdout or ():
            output.append(line)
            if line.startswith("Collecting "):
                count += 1
                show(f"{count} of {total}: {line.split()[1]}", often=count % STEP != 0)
            elif line.startswith("Installing collected packages"):
                show(f"unpacking {count} packages ...")
    if sys.stdout.isatty():
        print()
    if pip.returncode:
        print("".join(output), file=sys.stderr)
    return pip.returncode


def show(progress: str, *, often: bool = False) -> None:
    """On a terminal, one line that is updated; elsewhere a new line, skipped if `often`."""
    if sys.stdout.isatty():
        print(f"\r\033[K  {progress}", end="", flush=True)
    elif not often:
        print(f"  {progress}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
