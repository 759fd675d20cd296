"""Each request of a writer stands for itself: nothing it sets is there for the next."""

import pytest

from tests.observatory.door import Door

pytest_plugins = ["tests.observatory.opened"]

SEEN = "SELECT getSetting('max_execution_time'), getSetting('readonly'), currentDatabase()"
AS_IT_IS = "0\t0\tdefault\n"


@pytest.mark.parametrize(
    "statement",
    [
        "USE otel",
        "CREATE TEMPORARY TABLE passing (a Int8)",
        "SET max_execution_time = 77",
        "SELECT 1 SETTINGS max_execution_time = 77",
        "SET readonly = 1",
    ],
)
def test_nothing_outlives_its_request(door: Door, statement: str) -> None:
    door.tell(statement, database="otel")  # refused or without effect
    for _ in range(4):
        assert door.told(SEEN) == AS_IT_IS
        assert door.tell("SELECT * FROM passing").status_code == 404
