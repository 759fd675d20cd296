"""The handshake of clickhouse-go, the driver of the Collector's exporter.

Its first statement asks for the server's revision, and it expects the answer in Native format of
the driver's own protocol version. The answer gives revision 0; from then on the driver reads Native
as the engine writes it.
"""

import re
import struct

from observatory.store.native_format import text, varint

_HELLO = re.compile(r"SELECT displayName\(\), version\(\), revision\(\), timezone\(\)\s*;?\s*")
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_SERIALIZATIONS_SINCE = 54454
"""From this revision on each column has a flag for custom serialization."""
NAME, REVISION = "observatory", 0


def is_handshake(sql: str, protocol: int) -> bool:
    """Whether this is the driver's first statement."""
    return protocol > 0 and _HELLO.fullmatch(sql.strip()) is not None


def handshake(version: str, protocol: int) -> bytes:
    """The response in Native format: one row of name, engine version, revision and time zone."""
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
