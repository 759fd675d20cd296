"""Strings that must not leave the process, and the search for them in whatever did.

A secret is looked for as it was typed and in the forms that libraries give to texts: escaped for
an address, for JSON, in hexadecimal digits, in base64, folded, in another encoding.
"""

import base64
import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

AROUND = 40


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one person would type, unlike anything else; `name` and `card` differ between people."""

    name: str
    card: str

    @property
    def word(self) -> str:
        return f"zyzzy{self.name}quokka"

    @property
    def accented(self) -> str:
        return f"quökka{self.name}flöte"

    @property
    def user(self) -> str:
        return f"u7f3{self.name}user"

    @property
    def mail(self) -> str:
        return f"vogel.{self.name}@kanarien.example"

    @property
    def token(self) -> str:
        return f"tk{self.name}bearer"

    @property
    def query(self) -> str:
        """The query; with the card's number in groups."""
        return f"{self.word} {self.accented} {self.mail} {self.card}"

    @property
    def ascii(self) -> str:
        """All but what a header can't carry."""
        number = self.card.replace(" ", "")
        return f"{self.word} {self.mail} {self.card} {number} {self.user} {self.token}"

    @property
    def everything(self) -> str:
        return f"{self.ascii} {self.accented}"

    @property
    def sought(self) -> tuple[str, ...]:
        """Parts that tokenizers do not split."""
        number, name = self.card.replace(" ", ""), self.mail.partition("@")[0].partition(".")[2]
        mail = f"{name}@kanarien"
        return self.word, self.accented, self.user, mail, self.token, self.card, number


def leaks(emitted: Iterable[bytes], secrets: Secrets) -> set[bytes]:
    """What was found of these secrets, each with what stands around it."""
    found = (_found(each, each.lower(), secret) for each in emitted for secret in secrets.sought)
    return {each for each in found if each}


def _found(emitted: bytes, small: bytes, secret: str) -> bytes:
    wanted = [(form, small) for form in forms(secret)]
    wanted += [(form, emitted) for form in exact_forms(secret)]
    for form, text in wanted:
        place = text.find(form)
        if place >= 0:
            return emitted[max(place - AROUND, 0) : place + len(form) + AROUND]
    return b""


def forms(secret: str) -> Iterator[bytes]:
    """In small ASCII letters: what a search that ignores case looks for."""
    decomposed = unicodedata.normalize("NFD", secret)
    folded = decomposed.encode("ascii", "ignore").decode()
    joined = (secret.replace(" ", sign) for sign in "+-_")
    for text in {secret, secret.upper(), decomposed, folded, *joined}:
        yield text.encode().lower()
        yield quote(text).encode().lower()
        yield json.dumps(text)[1:-1].encode().lower()
        yield text.encode().hex().encode()
    for encoding in ("latin-1", "utf-16-le", "utf-16-be"):
        yield secret.encode(encoding).lower()


def exact_forms(secret: str) -> Iterator[bytes]:
    """Forms in which case matters: base64, wherever in a longer text it begins."""
    for text in {secret, secret.capitalize(), secret.upper()}:
        for skipped in range(3):
            encoded = base64.b64encode(b"\0" * skipped + text.encode())
            yield encoded[4 * (skipped > 0) : len(encoded) // 4 * 4 - 4]
