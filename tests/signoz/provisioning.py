"""Running the provisioner: as a function, over the project's files or over a copy of them.

provisioner = Provisioner(signoz.url, folder, monkeypatch, capsys)
assert provisioner() == 0
assert provisioner.outcomes["created"] == [("channel", "vitrine-operators"), …]
"""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from signoz import provision
from tests.signoz.fake_signoz import EMAIL, PASSWORD

FOLDER = Path(provision.__file__).parent
LINE = re.compile(r"(\w+) +(\w+) +(.+?)(?:  \((.*)\))?")


class Provisioner:
    """One command with its environment; what it printed last, objects and retention apart."""

    def __init__(
        self,
        url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        folder: Path = FOLDER,
    ) -> None:
        self.folder, self._patch, self._capsys = folder, monkeypatch, capsys
        for name in provision.DEFAULTS:
            monkeypatch.delenv(name, raising=False)
        self.set(URL=url, EMAIL=EMAIL, PASSWORD=PASSWORD, PATIENCE="20")

    def set(self, **variables: str) -> None:
        """SIGNOZ_… in its environment."""
        for name, value in variables.items():
            self._patch.setenv(f"SIGNOZ_{name}", value)

    def __call__(self, *arguments: str) -> int:
        """Its exit code."""
        code = provision.main([*arguments, "--folder", str(self.folder)])
        answered = self._capsys.readouterr()
        self.error = answered.err.strip()
        *lines, self.last = answered.out.splitlines() or [""]
        self.outcomes: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.reasons: dict[str, str] = {}
        self.retention: dict[str, str] = {}
        for line in lines:
            found = LINE.fullmatch(line)
            assert found, line
            outcome, noun, name, reason = found.groups()
            if noun == "retention":
                self.retention[name] = f"{outcome}: {reason}"
                continue
            self.outcomes[outcome].append((noun, name))
            self.reasons[name] = reason or ""
        return code
