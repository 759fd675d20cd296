"""Everything the page Model shows from the telemetry, as JSON values."""

from dataclasses import asdict
from typing import Any

from observatory.models.changes import changes
from observatory.models.drift import drift
from observatory.models.online import online
from observatory.models.serving import answers, instances
from observatory.models.shadow import shadow
from observatory.models.student import student
from observatory.models.window import Window


def models(window: Window) -> dict[str, Any]:
    """Who serves and how well, drift, shadow, and what happened.

    Raises:
        Problem: a query failed.

    """
    return {
        "from": window.start // 10**6,
        "to": window.end // 10**6,
        "step": window.step,
        "times": list(window.times),
        "instances": [asdict(each) for each in instances(window)],
        "answers": asdict(answers(window)),
        "online": asdict(online(window)),
        "drift": asdict(drift(window)),
        "shadow": asdict(shadow(window)),
        "student": {
            name: [asdict(each) for each in lines] for name, lines in student(window).items()
        },
        "changes": [asdict(each) for each in changes(window)],
    }
