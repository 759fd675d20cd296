"""Texts of any script become words, the same way in documents and in queries."""

from hypothesis import example, given
from hypothesis import strategies as st

from app.recommend.text_analysis import MAX_WORD, normalize, stem, stems, words
from tests.cases import cases

ASCII = st.text(st.characters(max_codepoint=127), max_size=80)
ANY = st.text(st.characters(), max_size=80)
NO_WORD = "\u2003"
"""A blank that takes a text off the ASCII fast path and adds no word."""


@cases(
    ("text", "expected"),
    [
        ("Naïve CAFÉ", ["naive", "cafe"]),
        ("e\u0301te\u0301", ["ete"]),
        ("Straße", ["strasse"]),
        ("ﬁne", ["fine"]),
        ("ＷＩＤＥ", ["wide"]),
        ("Ελλάδα", ["ελλαδα"]),
        ("Ёлка", ["елка"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("机器学习", ["机器", "器学", "学习"]),
        ("猫", ["猫"]),
        ("日本語テスト2回", ["日本", "本語", "語テ", "テス", "スト", "2", "回"]),
        ("learn 机器 now", ["learn", "机器", "now"]),
    ],
)
def test_scripts_and_accents(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


@cases(
    ("text", "expected"),
    [
        ("C++ and C#", ["c++", "and", "c#"]),
        ("f#-like", ["f#", "like"]),
        ("wi-fi", ["wi", "fi", "wifi"]),
        ("Wi‑Fi", ["wi", "fi", "wifi"]),
        ("state-of-the-art", ["state", "of", "the", "art"]),
        ("Newton's", ["newton", "s"]),
        ("Newton’s", ["newton", "s"]),
        ("snake_case", ["snake", "case"]),
        ("3.14", ["3", "14"]),
    ],
)
def test_compounds_and_signs(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


def test_a_hyphenated_word_is_found_by_its_closed_form() -> None:
    assert set(words("wifi")) <= set(words("wi-fi"))
    assert set(words("email")) <= set(words("E-Mail"))


def test_an_emoji_is_the_words_of_its_name() -> None:
    assert list(words("fresh 🍞")) == ["fresh", "bread"]
    assert list(words("👩🏽‍🚀")) == ["woman", "rocket"]
    assert list(words("☎️")) == ["black", "telephone"]


@given(ANY)
@example("\x00")
@example("\ud800")
@example("a" + "\u0301" * 10_000)
@example("क" + "\u094d" * 10_000)
@example("-" * 1000 + "'")
@example("\ufdfa")
@example("9" * 1000)
def test_words_of_any_text_are_neither_empty_nor_blank(text: str) -> None:
    for word in words(text):
        assert 0 < len(word) <= MAX_WORD
        assert word.split() == [word]
        assert not set(word) & set("\"'*():^-")


@given(ANY)
def test_stems_of_any_text_are_neither_empty_nor_blank(text: str) -> None:
    assert all(each.split() == [each] for each in stems(text))


@given(ASCII)
@example("wi-fi's c++ c# a_b -x- 'y' x++y c##")
def test_the_fast_path_for_ascii_equals_the_general_path(text: str) -> None:
    assert list(words(text)) == list(words(text + NO_WORD))


@given(ANY)
def test_the_case_of_ascii_letters_never_matters(text: str) -> None:
    lowered = "".join(char.lower() if char.isascii() else char for char in text)
    assert list(words(lowered)) == list(words(text))


def test_normalize_composes_and_trims() -> None:
    assert normalize("  cafe\u0301 \n\t au  lait ") == "café au lait"


def test_only_english_words_are_stemmed() -> None:
    assert stems("Keeping loaves fresh") == ["keep", "loav", "fresh"]
    assert stem("ελλαδα") == "ελλαδα"
    assert stem("学习") == "学习"
