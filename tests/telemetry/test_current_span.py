"""The current span follows the work: through blocks, tasks and threads that know the context."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, StatusCode, Tracer, use_span

from tests.telemetry.side_by_side import assert_alike, of_ours, of_the_sdk


def test_the_current_span_and_its_children() -> None:
    def story(tracer: Tracer) -> list[bool]:
        with tracer.start_as_current_span("outer") as outer:
            seen = [trace.get_current_span() is outer]
            with tracer.start_as_current_span("inner", attributes={"a": 1}) as inner:
                seen.append(trace.get_current_span() is inner)
            seen.append(trace.get_current_span() is outer)
            with tracer.start_as_current_span("left open", end_on_exit=False) as left:
                pass
            left.end()
        return [*seen, trace.get_current_span() is INVALID_SPAN]

    assert_alike(story)


def test_use_span_of_the_api() -> None:
    def story(tracer: Tracer) -> bool:
        span = tracer.start_span("used")
        with use_span(span, end_on_exit=True) as same:
            tracer.start_span("child").end()
        return same is span

    assert_alike(story)


def test_tasks_and_threads() -> None:
    def child(tracer: Tracer, name: str) -> None:
        tracer.start_span(name).end()

    async def tasks(tracer: Tracer) -> None:
        with tracer.start_as_current_span("outer"):
            await asyncio.create_task(in_turn(tracer, "task"))
            await asyncio.to_thread(child, tracer, "thread with context")
        await asyncio.create_task(in_turn(tracer, "after"))

    async def in_turn(tracer: Tracer, name: str) -> None:
        await asyncio.sleep(0)
        with tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            child(tracer, f"below {name}")

    def story(tracer: Tracer) -> None:
        asyncio.run(tasks(tracer))
        with tracer.start_as_current_span("outer"):
            thread = threading.Thread(target=child, args=(tracer, "thread without context"))
            thread.start()
            thread.join()

    assert_alike(story)


def test_concurrent_tasks_keep_their_spans_apart() -> None:
    async def work(tracer: Tracer, name: str) -> None:
        with tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            with tracer.start_as_current_span(f"below {name}"):
                await asyncio.sleep(0)

    async def all_of_them(tracer: Tracer) -> None:
        await asyncio.gather(*(work(tracer, str(number)) for number in range(20)))

    ours = of_ours()
    asyncio.run(all_of_them(ours.tracer))
    names = {span.get_span_context().span_id: span.name for span in ours.spans}  # type: ignore[union-attr]
    above = {span.name: names[span.parent.span_id] for span in ours.spans if span.parent}
    assert above == {f"below {number}": str(number) for number in range(20)}


def test_many_threads_end_spans() -> None:
    ours = of_ours()

    def work(number: int) -> None:
        with ours.tracer.start_as_current_span("work") as span:
            span.set_attribute("number", number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(500)))
    assert sorted(span.attributes["number"] for span in ours.spans if span.attributes) == list(  # type: ignore[type-var]
        range(500)
    )


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("mark", [True, False])
def test_what_leaves_a_block_goes_on_and_marks_the_span_where_wanted(
    record: bool, mark: bool
) -> None:
    def story(tracer: Tracer) -> None:
        options = {"record_exception": record, "set_status_on_exception": mark}
        with (
            pytest.raises(ZeroDivisionError),
            tracer.start_as_current_span("failing", **options),  # type: ignore[arg-type]
        ):
            _ = 1 // 0

    ours, sdk = of_ours(), of_the_sdk()
    story(ours.tracer)
    story(sdk.tracer)
    assert ours.only.status.status_code is sdk.only.status.status_code
    assert [each.name for each in ours.only.events] == [each.name for each in sdk.only.events]
    assert ours.only.status.description is None


@pytest.mark.parametrize("left", [GeneratorExit, KeyboardInterrupt])
def test_what_is_no_failure_leaves_no_mark(left: type[BaseException]) -> None:
    def story(tracer: Tracer) -> None:
        with pytest.raises(left), tracer.start_as_current_span("left"):
            raise left

    assert_alike(story)


def test_a_failure_in_a_span_of_the_apis_keeping() -> None:
    ours = of_ours()
    span, typed = ours.tracer.start_span("used"), "se" + "cret"
    with pytest.raises(ValueError, match=typed), use_span(span, end_on_exit=True):
        raise ValueError(typed)
    assert ours.only.status.status_code is StatusCode.ERROR
    assert [each.name for each in ours.only.events] == ["exception"]
    assert typed not in ours.only.to_json()
