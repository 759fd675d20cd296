"""The file of what was switched on and when. Telemetry never sees it."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from app.faults.switchboard import Active


class Ledger:
    """Appends one JSON line for each beginning and end; times are Unix times."""

    _file: TextIO | None

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, None

    def began(self, active: "Active") -> None:
        """A fault was switched on."""
        self._write(
            active,
            "began",
            rate=active.rate,
            delay=active.delay,
            seed=active.seed,
            duration=active.duration,
        )

    def ended(self, active: "Active") -> None:
        """It has ended."""
        self._write(active, "ended")

    def _write(self, active: "Active", what: str, **about: Any) -> None:
        fault = active.fault
        line = {"fault": fault.name, "class": fault.kind, what: time.time(), **about}
        if self._file is None:  # it stays open: a fault can be that no file can be opened
            self._file = self._path.open("a", encoding="utf-8")
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
