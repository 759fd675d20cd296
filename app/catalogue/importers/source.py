"""Opens a file as text: decompresses gzip, detects the encoding, reads it in parts."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO, cast

from app.catalogue.importers.row import Unreadable

CHUNK = 1_048_576
_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_UTF8 = re.compile("[\udc80-\udcff]+")
WESTERN = "cp1252"
_DAMAGED = "one lone surrogate"
codecs.register_error(_DAMAGED, lambda error: ("\ud800", cast("UnicodeDecodeError", error).end))


@dataclass(frozen=True, slots=True)
class Source:
    """Text of a file, with its original line ends; `raw` is the underlying file."""

    text: TextIO
    encoding: str
    raw: IO[bytes]

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self.raw.tell()


@contextmanager
def open_text(path: Path) -> Iterator[Source]:
    """Open a file as text. Raises Unreadable, OSError.

    Bytes that are invalid in the detected encoding become lone surrogates, which `row_of` rejects.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        try:
            packing: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
            with packing as content:
                encoding = encoding_of(content)
                content.seek(0)
                text = io.TextIOWrapper(content, encoding, errors=_errors(encoding), newline="")
                yield Source(text, encoding, raw)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Unreadable(f"the gzip file is damaged or cut off: {error}") from error


def decoded(content: bytes) -> str:
    """Decode the content of a file. Raises Unreadable."""
    encoding = encoding_of(io.BytesIO(content))
    return content.decode(encoding, _errors(encoding))


def _errors(encoding: str) -> str:
    """The error handler; Python can't preserve invalid bytes in UTF-16 and UTF-32."""
    return "surrogateescape" if encoding in ("utf-8-sig", WESTERN) else _DAMAGED


def encoding_of(content: IO[bytes]) -> str:
    """Detect UTF-8 or UTF-16 (with or without BOM), UTF-32 with BOM, or Windows-1252; reads all.

    Raises Unreadable for other encodings.
    """
    start = content.read(4096)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        high, low = start[first::2], start[1 - first :: 2]
        if high.count(0) * 3 > len(high) and low.count(0) * 10 < high.count(0):
            return name
    good, bad, side_by_side = _bytes_beyond_ascii(content, start)
    if bad <= good:
        return "utf-8-sig"
    if side_by_side * 3 > bad:  # Western languages rarely have adjacent accented letters
        raise Unreadable(
            "the text is neither UTF-8, UTF-16 nor Western (Windows-1252); convert it first: "
            "iconv -f ENCODING -t UTF-8"
        )
    return WESTERN


def _bytes_beyond_ascii(content: IO[bytes], chunk: bytes) -> tuple[int, int, int]:
    """Number of non-ASCII UTF-8 characters, of invalid bytes, and of adjacent invalid bytes."""
    good = bad = side_by_side = 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while chunk:
        text = decoder.decode(chunk)
        if not text.isascii():
            runs = [len(run) for run in _NOT_UTF8.findall(text)]
            bad += sum(runs)
            side_by_side += sum(run for run in runs if run > 1)
            good += sum(not char.isascii() for char in text) - sum(runs)
        chunk = content.read(CHUNK)
    return good, bad, side_by_side
