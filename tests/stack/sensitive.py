"""Texts that must not reach a store, and the sensitive part of each: what services
often leak (LEAKS, for the core), and what strangers may send (SENSITIVE, for strict redaction).

Keys are put together here, so that no scanner of secrets takes one for an issuer's own.
"""

from base64 import b64encode
from typing import NamedTuple


class Sensitive(NamedTuple):
    text: str
    secret: str
    """What must not be found: a part that nothing else has."""


def _credentials(of: str) -> str:
    return b64encode(of.encode()).decode()


def _whole(text: str) -> Sensitive:
    return Sensitive(text, text)


LETTERS = "Qd7fYw2" + "RkX9mZt4" + "LpN8vB3s"
JWT = ".".join(("ey" + "JhbGciOiJIUzI1NiJ9", "ey" + "JzdWIiOiJtYXJpYSJ9", "c2lnbmF0dXJl" + LETTERS))
_PEM = "PRIVATE" + " KEY-----"

CARDS = (
    "4532015112830366",
    "4532 0151 1283 0366",
    "4532-0151-1283-0366",
    "4532+0151+1283+0366",
    "4532%200151%201283%200366",
    "4532015112830366006",
    "5425233430109903",
    "5425-2334-3010-9903",
    "2221000000000009",
    "2720 9900 0000 0007",
    "371449635398431",
    "3714 496353 98431",
    "3714-496353-98431",
    "30569309025904",
    "3056 930902 5904",
    "36227206271667",
    "6011000990139424",
    "6011-0009-9013-9424",
    "6445644564456445",
    "3566002020360505",
    "6212345678901232",
    "6759649826438453",
    "2200000000000004",
    "6521111111111117",
)
EMAILS = (
    "maria.lopez@example.com",
    "maria+books@mail.example.co.uk",
    "maria_lopez%40example.com",
    "maria.lopez%2540example.com",
    "maría.lópez@example.com",
    "мария@пример.рф",
    "o'lopez@xn--exmple-cua.de",
    "MARIA.LOPEZ@EXAMPLE.COM",
)
KEYS = (
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ASIA" + "Y34FZKBOKMUTVV7A",
    "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_" + "11ABCDEFG0" + LETTERS,
    "glpat-" + LETTERS,
    "xoxb-" + "263594206564-" + LETTERS,
    "AIza" + "SyD3-f5g_h7j9k1l3m5n7p9q1r3s5t7u9v1",
    "sk_" + "live_" + LETTERS,
    "sk-" + "proj-" + LETTERS,
    "sk-" + "ant-api03-" + LETTERS,
    "npm_" + LETTERS + LETTERS[:13],
    "pypi-" + "AgEIcHlwaS5vcmc" + LETTERS,
    "hf_" + LETTERS + LETTERS[:11],
    "SG." + LETTERS + "." + LETTERS,
    "shpat_" + LETTERS,
    "ya29." + LETTERS,
    "7123456789:" + "AAH" + LETTERS + LETTERS[:9],
)
SCHEMES = (
    Sensitive(f"Bearer {LETTERS}", LETTERS),
    Sensitive("bearer 9f86d081884c7d65", "9f86d081884c7d65"),
    Sensitive(f"Bearer%20{LETTERS}", LETTERS),
    Sensitive(f"auth failed:\nBearer {LETTERS}", LETTERS),
    Sensitive(f"Basic {_credentials('maria:sesame')}", _credentials("maria:sesame")),
    Sensitive(f"basic {_credentials('maria:open sesame')}", _credentials("maria:open sesame")[:-2]),
    Sensitive(f"token is {JWT}", JWT.split(".")[1]),
    Sensitive(f"-----BEGIN RSA {_PEM}\n{LETTERS}\n-----END RSA {_PEM}", LETTERS),
    Sensitive(f"-----BEGIN {_PEM}{LETTERS}", LETTERS),
)
HEADERS = (
    Sensitive(f"Authorization: Token {LETTERS}", LETTERS),
    Sensitive(f"{{'authorization': 'Custom {LETTERS}'}}", LETTERS),
    Sensitive(f"(b'authorization', b'Token {LETTERS}')", LETTERS),
    Sensitive(
        'Proxy-Authorization: Digest username="maria", realm="shop", response="6629fae49393a053"',
        "6629fae49393a053",
    ),
    Sensitive(f"cookie: theme=dark; sid={LETTERS}", LETTERS),
    Sensitive(f"Set-Cookie: sid={LETTERS}; HttpOnly", LETTERS),
    Sensitive(f'{{"headers": {{"Cookie": ["a=1", "sid={LETTERS}"]}}}}', LETTERS),
    Sensitive(f"X-Api-Key: {LETTERS}", LETTERS),
    Sensitive(f"X-Auth-Token: {LETTERS}", LETTERS),
    Sensitive("curl -H 'Authorization: Bearer chestnut' https://shop.example", "chestnut"),
)
PASSWORDS = (
    Sensitive("postgresql://maria:s3same@db.internal:5432/shop", "s3same"),
    Sensitive("redis://:s3same@cache:6379/0", "s3same"),
    Sensitive("amqp://maria:s3/s@me@queue/", "s3/s"),
    Sensitive("amqp://maria:s3/s@me@queue.example/", "s3/s"),
    Sensitive("password='maria@example.com s3same'", "s3same"),
    Sensitive("cookie=maria@example.com; sid=s3same", "s3same"),
    Sensitive(f"https://{LETTERS}@git.internal/shop", LETTERS),
    Sensitive("Server=db;User Id=sa;Password=s3same;", "s3same"),
    Sensitive(f"AccountName=shop;AccountKey={LETTERS}/+==;", LETTERS),
    Sensitive("host=db password='open s3same' user=maria", "s3same"),
    Sensitive('{"user": "maria", "password": "open s3same"}', "s3same"),
    Sensitive(r'{"body": "{\"password\": \"open s3same\"}"}', "s3same"),
    Sensitive('{"password": ["first", "s3same"]}', "s3same"),
    Sensitive("PGPASSWORD=s3same psql", "s3same"),
    Sensitive("grant_type=password&client_secret=s3same", "s3same"),
    Sensitive(f"refresh_token={LETTERS}", LETTERS),
    Sensitive(f"aws_secret_access_key = {LETTERS}", LETTERS),
)
QUERIES = (
    Sensitive("https://shop.example/search?q=red+shoes&user=ingrid", "red+shoes"),
    Sensitive("GET /search?q=shoes%20for%20ingrid HTTP/1.1", "ingrid"),
    Sensitive("/search?filter[name]=ingrid", "ingrid"),
    Sensitive("/search?$filter=name%20eq%20ingrid", "ingrid"),
    Sensitive("?name=ingrid's", "ingrid"),
    Sensitive("https://shop.example/search?ingrid+olsen", "ingrid"),
    Sensitive("jdbc:mysql://db/shop?user=root&password=ingrid", "ingrid"),
    Sensitive(f"/callback#access_token={LETTERS}", LETTERS),
)
SENSITIVE = (
    *map(_whole, CARDS),
    *(Sensitive(f"paid with {each}, thanks", each) for each in CARDS[:3]),
    *map(_whole, EMAILS),
    *(Sensitive(f"sent to <{each}>.", each) for each in EMAILS[:5]),
    *map(_whole, KEYS),
    *(Sensitive(f"key\n{each}\nend", each) for each in KEYS[:3]),
    *SCHEMES,
    *HEADERS,
    *PASSWORDS,
    *QUERIES,
)
LEAKS = (
    *(Sensitive(f"card {each}, thanks", each) for each in (*CARDS[:3], CARDS[10])),
    *map(_whole, EMAILS[:2]),
    Sensitive("INSERT INTO users VALUES (1, 'maria.lopez@example.com')", "maria.lopez@example.com"),
    Sensitive("postgresql://maria:s3same@db.internal:5432/shop", "s3same"),
    Sensitive("redis://:s3same@cache:6379/0", "s3same"),
    Sensitive(f"token is {JWT}", JWT.split(".")[1]),
    Sensitive(f"Authorization: Bearer {LETTERS}", LETTERS),
    Sensitive(f"Basic {_credentials('maria:sesame')}", _credentials("maria:sesame")),
    Sensitive(f"Cookie: theme=dark; sid={LETTERS}", LETTERS),
    *map(_whole, (KEYS[0], KEYS[2], KEYS[7], KEYS[8], KEYS[9])),
    Sensitive(f"-----BEGIN RSA {_PEM}\n{LETTERS}\n-----END RSA {_PEM}", LETTERS),
    Sensitive('{"user": "maria", "password": "open s3same"}', "s3same"),
    Sensitive("Server=db;User Id=sa;Password=s3same;", "s3same"),
    Sensitive("grant_type=password&client_secret=s3same", "s3same"),
    Sensitive(f"X-Api-Key: {LETTERS}", LETTERS),
    Sensitive(f"refresh_token={LETTERS}", LETTERS),
    Sensitive("https://shop.example/search?q=red+shoes&user=ingrid", "red+shoes"),
    Sensitive("GET /search?q=shoes%20for%20ingrid HTTP/1.1", "ingrid"),
)
