"""Spelling: one slip in a short word, two in a long one, never a guess for nothing."""

from hypothesis import given
from hypothesis import strategies as st

from app.recommend.spelling import LONG, SHORTEST, Speller
from app.recommend.types import Term
from tests.cases import cases

SPELLER = Speller(
    {
        "bread": ("bread", 9),
        "break": ("breaks", 4),
        "breed": ("breeds", 4),
        "kubernet": ("kubernetes", 3),
        "autosc": ("autoscaling", 2),
        "autoscal": ("autoscaling", 2),
        "c++": ("c++", 5),
        "1945": ("1945", 5),
        "学习": ("学习", 5),
    }
)


@cases(
    ("typed", "right"),
    [
        ("kubernets", "kubernetes"),
        ("kubernetes", None),
        ("kubernete", None),
        ("kubernated", None),
        ("unknown", None),
    ],
)
def test_a_slip_that_the_stemmer_forgives_is_spelt_right(typed: str, right: str | None) -> None:
    stem = "kubernet" if typed.startswith("kubern") else typed
    assert SPELLER.same_stem(Term(stem, typed)) == right


@cases(
    ("typed", "meant"),
    [
        ("braed", "bread"),
        ("brad", "bread"),
        ("breadd", "bread"),
        ("brexd", "bread"),
        ("kubrnett", "kubernet"),
        ("autoscall", "autoscal"),
    ],
)
def test_slips_are_forgiven(typed: str, meant: str) -> None:
    found = SPELLER.nearest(typed)
    assert found is not None
    assert found[0] == meant


@cases("typed", ["bqxad", "tread", "bre", "1946", "c+++", "学友", "", "zzzzzzzz"])
def test_nothing_is_guessed(typed: str) -> None:
    assert SPELLER.nearest(typed) is None


def test_the_commoner_word_wins_then_the_first() -> None:
    assert SPELLER.nearest("brea") == ("bread", "bread")
    assert SPELLER.nearest("breal") == ("bread", "bread")
    assert SPELLER.nearest("breec") == ("breed", "breeds")
    assert Speller({"bake": ("bake", 1), "bare": ("bare", 1)}).nearest("baxe") == ("bake", "bake")


def test_an_empty_vocabulary_knows_nothing() -> None:
    assert Speller({}).nearest("bread") is None


@given(st.text("abdekr", min_size=1, max_size=10))
def test_what_is_found_is_near_and_known(typed: str) -> None:
    found = SPELLER.nearest(typed)
    if found is not None:
        slips = 2 if len(typed) >= LONG else 1
        assert len(typed) >= SHORTEST
        assert found[0][0] == typed[0]
        assert abs(len(found[0]) - len(typed)) <= slips
        assert SPELLER.nearest(found[0]) == found
