"""Every place where a client can put text, each with secrets in it, and what must be answered."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from tests.api.service import JSON, NDJSON, WRITER
from tests.telemetry.canaries import Secrets

Place = tuple[int, str, str, Mapping[str, Any]]
"""The status that must come, then what httpx wants: method, address, and the rest."""


def plant(client: httpx.Client, places: Iterator[Place]) -> None:
    """Send each; the expected statuses show that each code path was taken."""
    for status, method, address, rest in places:
        answer = client.request(method, address, **rest)
        assert answer.status_code == status, (method, address, rest, answer.text)


def questions(s: Secrets) -> Iterator[Place]:
    """Good ones and bad ones, in a body."""

    def body(**fields: Any) -> Mapping[str, Any]:
        return {"json": {"query": s.query, "user_id": s.user, **fields}}

    for _ in range(2):  # made, then kept
        yield 200, "POST", "/recommend", body(user_id=f"{s.user} {s.mail} {s.card}")
        yield 200, "POST", "/recommend", body(explain=False)
    yield 422, "POST", "/recommend", body(categories=[s.word, s.mail])
    yield 200, "POST", "/recommend", body(query=f"stale bread {s.word}")
    yield 422, "POST", "/recommend", body(**{s.word: 1, s.mail: s.everything})
    yield 422, "POST", "/recommend", body(query=s.everything * 10)
    yield 422, "POST", "/recommend", body(query=f"{s.everything}\x00")
    yield 422, "POST", "/recommend", body(query=[s.everything])
    yield 422, "POST", "/recommend", body(user_id=s.everything * 2)
    yield 422, "POST", "/recommend", body(user_id=int(s.card.replace(" ", "")))
    yield 422, "POST", "/recommend", body(limit=s.everything, explain=s.mail)
    yield 422, "POST", "/recommend", {"json": s.everything}
    for broken in (f'{{"query": "{s.everything}', s.everything, f'{{"{s.word}": {s.user}}}'):
        yield 422, "POST", "/recommend", {"content": broken.encode(), "headers": JSON}
    undecodable = s.everything.encode("utf-16")
    yield 422, "POST", "/recommend", {"content": undecodable, "headers": JSON}
    yield 413, "POST", "/recommend", body(query=s.everything * 3000)
    odd = {"Content-Type": f"text/{s.word}; {s.mail}"}
    yield 415, "POST", "/recommend", {"content": s.everything.encode(), "headers": odd}


def addresses(s: Secrets) -> Iterator[Place]:
    """Query strings and paths."""
    good = {"q": s.query, "user_id": s.user}
    yield 200, "GET", "/recommend", {"params": good}
    yield 422, "GET", "/recommend", {"params": good | {"category": [s.word, s.mail]}}
    yield 422, "GET", "/recommend", {"params": {s.word: s.everything, s.mail: s.card}}
    yield 422, "GET", "/recommend", {"params": good | {"limit": s.everything}}
    yield 422, "GET", f"/recommend?{quote(s.everything)}", {}
    text = quote(s.everything, safe="")
    for path in (f"/{text}", f"/{s.word}/{s.mail}?{s.user}={text}", f"//{s.mail}/{s.card}"):
        yield 404, "GET", path, {}
        yield 404, "POST", path, {"json": {s.word: s.everything}}
    yield 404, "GET", f"/documents/{s.word}", {}
    yield 404, "GET", f"/documents/{s.word}/similar", {}
    yield 404, "GET", f"/documents/{text}/similar", {}
    yield 422, "GET", f"/documents/{text}", {}
    yield 422, "GET", "/documents", {"params": {"limit": s.everything}}
    yield 200, "GET", "/documents", {"params": {"after": s.word}}
    yield 422, "GET", "/documents", {"params": {"after": s.word, "category": s.mail}}
    yield 404, "DELETE", f"/documents/{s.word}", {"headers": WRITER}
    yield 405, "PATCH", f"/documents/{s.word}?{text}", {}
    yield 405, "PROPFIND", f"/recommend?{text}", {}
    for path in ("/livez", "/readyz", "/version", "/categories", "/docs", "/"):
        yield 200, "GET", f"{path}?{text}", {}


def headers(s: Secrets) -> Iterator[Place]:
    """Headers, known and unknown, where all is well and where it is not."""
    names = (
        "User-Agent", "Cookie", "Referer", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded",
        "X-Real-IP", "X-Request-ID", "Origin", "From", "Accept", "Accept-Language", "Via",
        "If-None-Match", "X-Forwarded-Proto", "User-Id", f"X-{s.word}",
    )  # fmt: skip
    emitted: dict[str, str] = dict.fromkeys(names, s.ascii) | {
        "Authorization": f"Bearer {s.token}",
        "Host": f"{s.word}.example",
    }
    yield 200, "GET", "/recommend?q=bread", {"headers": emitted}
    yield 404, "GET", "/nowhere", {"headers": emitted}
    yield 422, "POST", "/recommend", {"json": {}, "headers": emitted}
    yield 401, "DELETE", "/documents/tide", {"headers": emitted}
    yield 200, "GET", "/livez", {"headers": emitted}
    latin = {"User-Agent": s.everything.encode("latin-1"), "Authorization": f"Basic {s.token}"}
    yield 401, "PUT", "/documents/tide", {"json": {"title": s.word}, "headers": latin}


def writings(s: Secrets) -> Iterator[Place]:
    """Documents, one at a time and as NDJSON."""
    content = {"title": f"{s.word} {s.card}", "text": s.everything, "category": s.word}
    content["url"] = f"https://{s.word}.example/{s.mail}"
    writer: Mapping[str, Any] = {"headers": WRITER}
    yield 201, "PUT", f"/documents/{s.word}", {"json": content, **writer}
    yield 200, "PUT", f"/documents/{s.word}", {"json": content | {"title": s.mail}, **writer}
    yield 422, "PUT", "/documents/other", {"json": content | {"id": s.word}, **writer}
    yield 422, "PUT", f"/documents/{quote(s.everything)}", {"json": content, **writer}
    yield 422, "PUT", "/documents/other", {"json": {s.word: s.everything}, **writer}
    yield 422, "PUT", "/documents/other", {"json": content | {"url": s.mail}, **writer}
    yield 401, "PUT", "/documents/other", {"json": content, "headers": {"Authorization": s.token}}
    yield 200, "POST", "/recommend", {"json": {"query": s.query}}
    yield 200, "GET", f"/documents/{s.word}/similar", {}
    rows = [content | {"id": f"{s.word}-{n}"} for n in range(3)]
    rows += [content | {"id": s.mail}, {s.word: s.everything}, content | {"id": "x", s.mail: "1"}]
    lines = [json.dumps(each, ensure_ascii=False) for each in rows] + [f'{{"{s.everything}', s.mail]
    body = "\n".join(lines).encode() + b"\n" + s.everything.encode("utf-16")
    yield 200, "POST", "/documents", {"content": body, "headers": NDJSON}
    yield 204, "DELETE", f"/documents/{s.word}", writer


def opinions(client: httpx.Client, s: Secrets) -> Iterator[Place]:
    """Feedback."""
    found = client.post("/recommend", json={"query": f"bread {s.word}"}).json()
    good = {
        "recommendation_id": found["recommendation_id"],
        "document_id": found["results"][0]["document"]["id"],
        "kind": "click",
    }
    yield 201, "POST", f"/feedback?{s.word}={s.mail}", {"json": good}
    yield 422, "POST", "/feedback", {"json": good | {"document_id": s.word}}
    yield 404, "POST", "/feedback", {"json": good | {"recommendation_id": s.card[:1] * 32}}
    for name in (*good, "dwell_ms", s.word):
        yield 422, "POST", "/feedback", {"json": good | {name: s.everything}}
