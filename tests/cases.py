"""A table of cases in one test, where a test for each would cost more than the case itself."""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Test = Callable[..., Any]


def cases(
    names: str | tuple[str, ...], table: Iterable[Any], ids: Any = None
) -> Callable[[Test], Test]:
    """Like `pytest.mark.parametrize`, but all cases run in one test and share its fixtures.

    Those that fail are reported together, each with its arguments or its id.
    """
    keys = (names,) if isinstance(names, str) else names
    rows = [(row,) if isinstance(names, str) else row for row in table]
    labels = list(ids) if ids and not callable(ids) else rows
    rows_by_name = [
        (dict(zip(keys, row, strict=True)), label) for row, label in zip(rows, labels, strict=True)
    ]

    def decorate(test: Test) -> Test:
        def run(**fixtures: Any) -> None:
            with _failures() as failures:
                for case, label in rows_by_name:
                    with _collected(failures, label):
                        test(**fixtures, **case)

        async def run_async(**fixtures: Any) -> None:
            with _failures() as failures:
                for case, label in rows_by_name:
                    with _collected(failures, label):
                        await test(**fixtures, **case)

        wrapped = run_async if inspect.iscoroutinefunction(test) else run
        functools.update_wrapper(wrapped, test)
        del wrapped.__wrapped__  # type: ignore[union-attr]
        signature = inspect.signature(test)
        fixtures = [one for name, one in signature.parameters.items() if name not in keys]
        wrapped.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[union-attr]
        return wrapped

    return decorate


@contextmanager
def _failures() -> Iterator[list[Exception]]:
    failures: list[Exception] = []
    yield failures
    if failures:
        raise ExceptionGroup("cases failed", failures)


@contextmanager
def _collected(failures: list[Exception], label: object) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - of any kind: the test fails with all of them
        error.add_note(f"case: {label!r:.500}")
        failures.append(error)
