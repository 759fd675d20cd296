"""How clickhouse-go, the driver of the collector's exporter, says hello.

It speaks a protocol version of its own in Native until it has learnt the server's. The answer in
that version says that ours is 0, and from then on it reads Native as the engine writes it.
"""

import re
import struct

from observatory.store.native_format import text, varint

_HELLO = re.compile(r"SELECT displayName\(\), version\(\), revision\(\), timezone\(\)\s*;?\s*")
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_SERIALIZATIONS_SINCE = 54454
"""From here on every column says whether its serialization is a special one."""
NAME, REVISION = "observatory", 0


def is_hello(sql: str, protocol: int) -> bool:
    """Whether this is the driver's first statement."""
    return protocol > 0 and _HELLO.fullmatch(sql.strip()) is not None


def hello(version: str, protocol: int) -> bytes:
    """The answer: one row of a name, the engine's version, our revision and the time zone."""
    flag = b"\x00" if protocol >= _SERIALIZATIONS_SINCE else b""

    def column(name: str, kind: str, value: bytes) -> bytes:
        return text(name.encode()) + text(kind.encode()) + flag + value

    return b"".join(
        (
            _BLOCK_INFO,
            varint(4),
            varint(1),
            column("displayName()", "String", text(NAME.encode())),
            column("version()", "String", text(version.encode())),
            column("revision()", "UInt32", struct.pack("<I", REVISION)),
            column("timezone()", "String", text(b"UTC")),
        )
    )
