"""
Heads that two servers may read differently: what one takes for the next request, the other doesn't see.

llhttp, uvicorn's parser, refuses most of what requests are smuggled with (two lengths, a length and chunks,
folded lines, bare line feeds). What it leaves to its user is judged here (RFC 9112, sections 2.3, 3.2 and
6.1), and so are versions of HTTP that are spoken nowhere. Pure, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

_HOST = re.compile(rb"(\[[0-9a-f:.]+\]|[\w.~%!$&'()*+,;=-]*)(:[0-9]*)?", re.IGNORECASE)
"""A host, as a name or an address, and a port (RFC 3986, section 3.2.2)."""
_VERSIONS = frozenset({"1.0", "1.1"})
_KNOWN_CODINGS = frozenset({b"chunked"})


def refusal_of(version: str, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """
    Say why a head is refused, `None` where it is taken.

    Args:
        version: HTTP's, as `1.1`.
        target: What is asked for: a path, or a whole URL, as proxies are asked.
        headers: Fields, their names in lower case.

    Returns:
        A status and a sentence.

    Example:
        >>> refusal_of("1.1", b"/health", [])
        (400, 'A request of HTTP/1.1 has one Host field, and this one has none.')
    """
    if version not in _VERSIONS:
        return 505, f"This service speaks HTTP/1.1 and HTTP/1.0, not HTTP/{version}."
    hosts = [value.strip().lower() for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        number = len(hosts) or "none"
        return 400, f"A request of HTTP/1.1 has one Host field, and this one has {number}."
    if hosts and not _HOST.fullmatch(hosts[0]):
        return 400, "The Host field must hold a name or an address, and a port if need be."
    if not target.startswith(b"/"):
        try:
            named = urlsplit(target).netloc.lower()
        except ValueError:
            named = b"?"
        if named and hosts != [named]:
            return 400, "The request names one host in its first line and another in its Host field."
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    if codings and (version == "1.0" or set(codings) - _KNOWN_CODINGS):
        return 400, "A body is sent as it is, or in chunks: there is no other Transfer-Encoding here."
    return None
