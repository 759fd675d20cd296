"""Text analysis: splits texts into words and stems, the same way for documents and queries.

Mostly language-neutral: compatibility forms, case, accents, Arabic and Hebrew vowel signs and hamza
forms are folded; text in scripts without spaces is split into overlapping pairs of characters;
`c++` and `c#` are words; `wi-fi` is also indexed as `wifi`. Only the stop words and the stemming
are English (Snowball); other scripts are not stemmed, but the Arabic article is removed.
"""

import re
import threading
import unicodedata
from itertools import pairwise

import Stemmer

MAX_WORD = 64
STOP_WORDS = frozenset(
    """
    a about above after again against all am an and any are as at be because been before being
    below between both but by can could did do does doing don down during each few for from
    further get had has have having he her here hers him his how i if in into is isn it its just
    may me might more most must my no nor not now of off on once only or other our out over own
    s same shall she should so some such t than that the their them then there these they this
    those through to too under until up us very was we were what when where which while who whom
    why will with would you your
    """.split()  # noqa: SIM905 - easier to read as a text
)


def _marks() -> str:
    spans = (chr(c) for c in range(0x300, 0x11FFF) if unicodedata.category(chr(c))[0] == "M")
    return "".join(spans)


_SPACELESS = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf"  # Thai, Lao
    "\u1000-\u103f\u1050-\u109d\ua9e0-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7\u17dc\u17dd\u1950-\u19df\u1a20-\u1a7f\uaa80-\uaadf"  # Khmer, Tai
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts without spaces. Pairs of characters instead of dictionary words (ICU's dictionary has
44 MB): parts of compounds are found too, and the split does not depend on the context."""
_SPACELESS_RUN = re.compile(f"[{_SPACELESS}]+")
_CHARACTER = re.compile(f"[^{_marks()}]?[{_marks()}]*", re.DOTALL)
"""A letter with its vowel signs and tone marks."""
_OPERATORS = frozenset({"AND", "OR", "NOT", "NEAR"})
_JOINERS = re.compile("[-\u2010\u2011'\u2019]")
_WORD = re.compile(
    rf"[{_SPACELESS}]+"
    rf"|[^\W_{_SPACELESS}]+(?:[-\u2010\u2011'\u2019][^\W_{_SPACELESS}]+)+"
    rf"|[^\W_{_SPACELESS}](?:[^\W_{_SPACELESS}]|[{_marks()}])*(?:\+\+|\#)?"
)
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)+|[a-z0-9]+(?:\+\+|\#)?")
_PLACEHOLDERS = "\ufffc\ufffd"
"""Object replacement and replacement character: their names are no words of the text."""
_PICTOGRAPH_NOISE = frozenset({"sign", "symbol", "with", "face", "emoji", "modifier", "type"})
_NO_WORDS = str.maketrans(dict.fromkeys("\u2122\u2120\u00ae\u00a9\u2117", " "))
"""Trade mark, service mark, registered, copyright, phonogram: not part of the preceding word."""
_OPTIONAL_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # accents
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"  # Arabic
    "\ufe00-\ufe0f\U000e0100-\U000e01ef]"  # variation selectors
)
_UNDECOMPOSED = {
    "ı": "i", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe",
    "þ": "th", "ŋ": "n", "ĸ": "k", "ɨ": "i", "ƒ": "f",
    "ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ٱ": "ا",
}  # fmt: skip
"""Letters without a Unicode decomposition, folded as in Lucene (ASCIIFoldingFilter,
ArabicNormalizationFilter and PersianNormalizationFilter)."""
_ZWNJ_IN_ARABIC = re.compile("(?<=[\u0600-\u06ff])\u200c")
"""Zero-width non-joiner: in Persian it separates parts of a word."""


def normalize(text: str) -> str:
    """NFC text without surrounding or repeated white space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class _Folding(dict[int, str]):
    """Maps decomposed, case-folded characters to their replacements, for `str.translate`."""

    def __missing__(self, code: int) -> str:
        folded = _folded(chr(code))
        if len(self) < _FOLDED_KEPT:
            self[code] = folded
        return folded


_FOLDED_KEPT = 20_000
_FOLDING = _Folding()


def _folded(char: str) -> str:
    category = unicodedata.category(char)
    if category == "So":
        return _pictograph(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Cf":  # soft hyphens, joiners, direction marks; a zero-width space is a space
        return " " if char == "\u200b" else ""
    if _OPTIONAL_MARKS.fullmatch(char):
        return ""
    return _UNDECOMPOSED.get(char, char)


def _pictograph(char: str) -> str:
    """An emoji as the words of its Unicode name: 🍞 is ` bread `."""
    if char in _PLACEHOLDERS:
        return " "
    words = unicodedata.name(char, "").lower().split()
    return f" {' '.join(word for word in words if word not in _PICTOGRAPH_NOISE)} "


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = _ZWNJ_IN_ARABIC.sub(" ", text.translate(_NO_WORDS))
    text = unicodedata.normalize("NFKD", text).casefold().translate(_FOLDING)
    return unicodedata.normalize("NFC", text)


def words(text: str) -> list[str]:
    """The words of a text, folded but not stemmed, in order."""
    pattern = _ASCII_WORD if text.isascii() else _WORD  # the same, four times as fast
    found: list[str] = pattern.findall(_fold(text))
    result = []
    for word in found:
        if word.isalnum() and word[0] < _SPACELESS[0]:  # most words
            result.append(word[:MAX_WORD])
        else:
            result += _parts(word)
    return result


def _parts(word: str) -> list[str]:
    """The indexed words of an unusual word: a compound, `c++`, or a run without spaces."""
    if _JOINERS.search(word):
        parts = _JOINERS.split(word)
        joined = ["".join(parts)] if len(parts) == 2 and len(parts[1]) > 1 else []
        return [part[:MAX_WORD] for part in parts + joined]
    if _SPACELESS_RUN.fullmatch(word):
        characters = _CHARACTER.findall(word)[:-1]  # the last match is empty
        pairs = pairwise(characters)
        return ["".join(pair)[:MAX_WORD] for pair in pairs] or [word[:MAX_WORD]]
    return [word[:MAX_WORD]]


def unbroken(text: str) -> str:
    """The text without soft hyphens."""
    return text.replace("\u00ad", "")


def bare(text: str) -> str:
    """The words as typed, without punctuation; search operators, and texts in capitals only, in
    lower case. For embedding models, which are sensitive to punctuation and case.

    >>> bare('"DNA repair" AND NEAR(cells, 5)')
    'DNA repair and near cells 5'
    """
    text = unbroken(text.lower() if text.isupper() else text)
    typed = (match.group() for match in _WORD.finditer(text))
    return " ".join(word.lower() if word in _OPERATORS else word for word in typed) or text


_ARTICLE = re.compile(r"^(?:(?:[وبكف]?ال|لل)(?=\w{3})|و(?=\w{4}))")
"""Arabic `al-`, alone or after a one-letter conjunction or preposition, and `wa-` (as the light
stemmer of Larkey, Ballesteros and Connell, 2002)."""
_local = threading.local()
_stems: dict[str, str] = {}
_STEMS_KEPT = 200_000


def stem(word: str) -> str:
    """The Snowball English stem of a folded word (Porter2); an Arabic word without its article."""
    found = _stems.get(word)
    if found is not None:
        return found
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english", 0)
    result: str = _local.stemmer.stemWord(_ARTICLE.sub("", word))
    if len(_stems) >= _STEMS_KEPT:
        _stems.clear()
    _stems[word] = result
    return result


def stems(text: str) -> list[str]:
    """The stems of all words of a text, stop words included, in order.

    >>> stems("Keeping bread fresh")
    ['keep', 'bread', 'fresh']
    """
    known = _stems.get
    return [known(word) or stem(word) for word in words(text)]
