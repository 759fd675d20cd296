"""Hashes in place of texts, and stack traces without messages."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.kit.exceptions import MAX_CAUSES, stack_of
from app.telemetry.kit.privacy import Hasher

TYPED = "what was " + "typed"
"""Not to be found in this file's own lines, which stacks quote."""
texts = st.text(st.characters(codec=None, exclude_categories=()))


@given(texts)
def test_a_hash_stands_for_any_text(text: str) -> None:
    found = Hasher("key")(text)
    assert found == Hasher("key")(text)
    assert len(found) == 16
    assert set(found) <= set("0123456789abcdef")
    assert found != Hasher("other key")(text)


def test_other_texts_have_other_hashes() -> None:
    hashed = Hasher("key")
    assert len({hashed(f"text {number}") for number in range(10_000)}) == 10_000


def test_how_it_is_written_makes_no_difference() -> None:
    hashed = Hasher("key")
    assert hashed("Stale BREAD") == hashed("stale bread") != hashed("stale breads")


def test_the_key_is_kept_or_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Hasher("a key")(TYPED) == Hasher("a key")(TYPED) != Hasher("another")(TYPED)
    assert Hasher("long " * 100)(TYPED) == Hasher("long " * 100)(TYPED)
    assert Hasher("schlüssel")(TYPED) == Hasher("schlüssel")(TYPED)
    assert Hasher(None)(TYPED) != Hasher(None)(TYPED)
    assert Hasher("")(TYPED) != Hasher("")(TYPED)
    monkeypatch.setattr(secrets, "token_bytes", lambda count: b"1" * count)
    assert Hasher(None)(TYPED) == Hasher(None)(TYPED)


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """The exception, as it arrives after having been raised."""
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


def sections(error: Exception) -> list[str]:
    """The last line of each part of a stack: what was raised."""
    return [each.splitlines()[-1] for each in stack_of(error).split("\n\ncause of\n\n")]


def test_frames_and_names_and_no_message() -> None:
    stack = stack_of(raised(ValueError(TYPED)))
    assert stack.splitlines()[-1] == "ValueError"
    assert f'File "{__file__}"' in stack
    assert ", in raised" in stack
    assert "raise error from cause" in stack
    assert TYPED not in stack


def test_notes_are_not_emitted() -> None:
    error = ValueError()
    error.add_note(TYPED)
    assert TYPED not in stack_of(raised(error))


def test_causes_stand_first() -> None:
    error = raised(ValueError(TYPED), raised(KeyError(TYPED), raised(OSError(TYPED))))
    assert sections(error) == ["OSError", "KeyError", "ValueError"]
    assert TYPED not in stack_of(error)


def test_what_was_being_dealt_with_stands_first_too() -> None:
    caught = raised(ValueError(TYPED))
    caught.__context__, caught.__suppress_context__ = raised(KeyError(TYPED)), False
    assert sections(caught) == ["KeyError", "ValueError"]
    caught.__suppress_context__ = True  # as `raise … from None` does
    assert sections(caught) == ["ValueError"]


def test_a_circle_of_causes_ends() -> None:
    one, other = raised(KeyError()), raised(ValueError())
    one.__cause__, other.__cause__ = other, one
    assert sections(one) == ["ValueError", "KeyError"]
    one.__cause__ = one
    assert sections(one) == ["KeyError"]


def test_a_long_chain_of_causes() -> None:
    error = raised(ValueError())
    for _ in range(2000):
        error = raised(ValueError(), error)
    assert sections(error) == ["ValueError"] * MAX_CAUSES


def test_what_was_never_raised_has_a_name_all_the_same() -> None:
    class Ours(Exception):
        pass

    assert stack_of(Ours(TYPED)).endswith("Ours")


def test_a_group_names_what_is_in_it() -> None:
    inner = ExceptionGroup(TYPED, [raised(KeyError(TYPED))])
    stack = stack_of(raised(ExceptionGroup(TYPED, [raised(ValueError(TYPED)), inner])))
    for name in ("ExceptionGroup", "ValueError", "KeyError"):
        assert name in stack
    assert TYPED not in stack


def test_what_was_taken_out_of_a_group_comes_from_it() -> None:
    inner = raised(ValueError(TYPED))
    group = raised(ExceptionGroup(TYPED, [inner, raised(KeyError(TYPED))]))
    # as `raise group.exceptions[0]` leaves it where the group is handled
    inner.__context__, inner.__suppress_context__ = group, False
    stack = stack_of(inner)
    assert sections(inner)[-1] == "ValueError"
    assert "ExceptionGroup" in stack
    assert TYPED not in stack


def test_groups_in_groups_end() -> None:
    error: Exception = raised(ValueError(TYPED))
    for _ in range(500):
        error = raised(ExceptionGroup(TYPED, [error, error]))
    assert "ExceptionGroup" in stack_of(error)


def test_an_exception_that_cannot_be_written() -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__

    assert sections(raised(Unspeakable()))[0].endswith("Unspeakable")
