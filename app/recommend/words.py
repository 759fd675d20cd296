"""Text into words: one analysis for documents and queries, for every index.

Language-neutral as far as it goes: Unicode normalisation, accents folded, words of any script
with their vowel signs, pairs of characters where a script writes no spaces, `c++` and `c#` kept,
`wi-fi` found as `wifi`. Only stemming (Snowball English; leaves other scripts alone) and the
stop list are English.
"""

import re
import threading
import unicodedata
from functools import lru_cache

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


_ACCENTS = re.compile("[\u0300-\u036f]+")
_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_SPACELESS_RUN = re.compile(f"[{_SPACELESS}]+")
_OPERATORS = frozenset({"AND", "OR", "NOT", "NEAR"})
_JOINERS = re.compile("[-\u2010\u2011'\u2019]")
_WORD = re.compile(
    rf"[{_SPACELESS}]+"
    rf"|[^\W_{_SPACELESS}]+(?:[-\u2010\u2011'\u2019][^\W_{_SPACELESS}]+)+"
    rf"|[^\W_{_SPACELESS}](?:[^\W_{_SPACELESS}]|[{_marks()}])*(?:\+\+|\#)?"
)
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)+|[a-z0-9]+(?:\+\+|\#)?")
_PLACEHOLDERS = "\ufffc\ufffd"
"""They stand where something is missing, and have names too."""
_PICTOGRAPH_NOISE = frozenset({"sign", "symbol", "with", "face", "emoji", "modifier", "type"})


def normalize(text: str) -> str:
    """NFC text without surrounding or repeated white space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@lru_cache(maxsize=4096)
def _pictograph(char: str) -> str:
    """An emoji as the words of its Unicode name: 🍞 is ` bread `."""
    if char in _PLACEHOLDERS:
        return " "
    words = unicodedata.name(char, "").lower().split()
    return f" {' '.join(word for word in words if word not in _PICTOGRAPH_NOISE)} "


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text.casefold())
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", text))
    return "".join(_pictograph(c) if unicodedata.category(c) == "So" else c for c in text)


def words(text: str) -> list[str]:
    """The words of a text, folded but not stemmed, in order."""
    pattern = _ASCII_WORD if text.isascii() else _WORD  # the same, four times as fast
    found: list[str] = pattern.findall(_fold(text))
    result = []
    for word in found:
        if word.isalnum() and word[0] < _SPACELESS[0]:
            result.append(word[:MAX_WORD])
        else:
            result += _parts(word)
    return result


def _parts(word: str) -> list[str]:
    """What an unusual word is looked up by: a compound, `c++`, or a run without spaces."""
    if _JOINERS.search(word):
        parts = _JOINERS.split(word)
        joined = ["".join(parts)] if len(parts) == 2 and len(parts[1]) > 1 else []
        return [part[:MAX_WORD] for part in parts + joined]
    if _SPACELESS_RUN.fullmatch(word):
        return [word[place : place + 2] for place in range(max(1, len(word) - 1))]
    return [word[:MAX_WORD]]


def bare(text: str) -> str:
    """The words as they were typed, without the signs between them; what is only a loud way of
    writing, or an operator elsewhere, gets small letters. For models that read every sign.

    >>> bare('"DNA repair" AND NEAR(cells, 5)')
    'DNA repair and near cells 5'
    """
    text = text.lower() if text.isupper() else text
    typed = (match.group() for match in _WORD.finditer(text))
    return " ".join(word.lower() if word in _OPERATORS else word for word in typed) or text


_local = threading.local()
_stems: dict[str, str] = {}
_STEMS_KEPT = 200_000


def stem(word: str) -> str:
    """The Snowball English stem (M. F. Porter's second algorithm) of a folded word."""
    found = _stems.get(word)
    if found is not None:
        return found
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english", 0)
    result: str = _local.stemmer.stemWord(word)
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
