"""
Which certificates are trusted, and what a failure of TLS means.

A file that the user or a variable names and that can't be used is a fault of this machine: it is told at
once, by that name, and nothing is sent. Taken for a network that is down it would be waited for.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""How OpenSSL finds a certificate in a folder: by the hash of its subject."""

_ABOUT_OUR_CERTIFICATE = re.compile("ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)")
"""The alerts of a peer that wants a certificate of ours, or another one (RFC 8446, section 6.2)."""


def tls_context(
    verify: ssl.SSLContext | str | os.PathLike[str] | bool, cert: Any, trust_env: bool
) -> ssl.SSLContext:
    """
    Make the TLS context of a client.

    Args:
        verify: A context; a file or folder of certificates to trust; True for the usual ones, or those of
            `SSL_CERT_FILE` or `SSL_CERT_DIR`; False to trust whoever answers.
        cert: A client certificate: its file, or a tuple of certificate, key and password.
        trust_env: Whether the environment's variables count.

    Raises:
        EventStreamerValidationError: If a file can't be used; names the option or the variable.
    """
    context = verify if isinstance(verify, ssl.SSLContext) else _trusting(verify, trust_env)
    if cert is not None:
        with _told_of("cert", cert if isinstance(cert, str) else cert[0]):
            context.load_cert_chain(*([cert] if isinstance(cert, str | os.PathLike) else cert))
    return context


def trust_variable(trust_env: bool) -> str | None:
    """
    Say which variable brings the certificates that are trusted.

    Returns:
        `SSL_CERT_FILE`, `SSL_CERT_DIR`, or None for neither.
    """
    variables = ("SSL_CERT_FILE", "SSL_CERT_DIR") if trust_env else ()
    return next((name for name in variables if os.environ.get(name)), None)


def _trusting(verify: str | os.PathLike[str] | bool, trust_env: bool) -> ssl.SSLContext:
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if verify is not True:
        return _trusting_those_in("verify", os.fspath(verify))
    variable = trust_variable(trust_env)
    if variable is not None:
        return _trusting_those_in(variable, os.environ[variable])
    import certifi

    with _told_of("certifi", certifi.where()):
        return ssl.create_default_context(cafile=certifi.where())


def _trusting_those_in(name: str, place: str) -> ssl.SSLContext:
    folders = [folder for folder in place.split(os.pathsep) if Path(folder).is_dir()]
    with _told_of(name, place):
        if not folders and name != "SSL_CERT_DIR":
            return ssl.create_default_context(cafile=place)
        if not folders:
            raise FileNotFoundError("there is no such folder")
        found = (entry.name for folder in folders for entry in Path(folder).iterdir())
        if not any(_HASHED.fullmatch(entry) for entry in found):
            raise FileNotFoundError("it holds no certificates by their hash; run `openssl rehash` on it")
        return ssl.create_default_context(capath=place)


@contextmanager
def _told_of(name: str, place: object) -> Iterator[None]:
    """Turn the errors of a file into one that names where it was asked for."""
    try:
        yield
    except (OSError, ValueError, TypeError) as error:
        key_log = os.environ.get("SSLKEYLOGFILE")
        if key_log and isinstance(error, OSError) and error.filename == key_log:
            name, place = "SSLKEYLOGFILE", key_log
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if isinstance(error, ssl.SSLError):
            reason = f"it holds no certificate or key in PEM form that fits ({_reason(error) or error})"
        raise EventStreamerValidationError(
            f"{name} is {str(place)!r}, which can't be used: {reason}"
        ) from error


_NO_REFUSAL = (
    *(ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError),
    *(ssl.SSLWantReadError, ssl.SSLWantWriteError),  # asyncio's context of a reset in the handshake
)


def refusal(error: BaseException | None, *, connecting: bool) -> ssl.SSLError | None:
    """
    Find out whether a failure says that the two sides will never come to terms.

    A connection that is closed or breaks in the handshake is not that: a balancer does it while it restarts.

    Args:
        error: What was raised.
        connecting: Whether it happened before the connection stood.

    Returns:
        What TLS says; None where it is no refusal.
    """
    seen: set[int] = set()  # other libraries' chains may lead back to where they began
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ssl.SSLError):
            passing = isinstance(error, _NO_REFUSAL)
            about_us = _ABOUT_OUR_CERTIFICATE.search(_reason(error)) is not None
            return error if about_us or (connecting and not passing) else None
        error = error.__cause__ or error.__context__
    return None


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's word for it; an error that was made elsewhere, as by a mock, has none."""
    return getattr(error, "reason", None) or ""


def advice(error: ssl.SSLError, variable: str | None) -> str:
    """Say what helps where the two sides don't come to terms."""
    if isinstance(error, ssl.SSLCertVerificationError):
        source = f"; those that are trusted come from {variable}" if variable else ""
        return f"to trust it, pass an SSL context as verify={source}"
    reason = _reason(error)
    if _ABOUT_OUR_CERTIFICATE.search(reason):
        return "the service wants a client certificate that it knows: give it as cert="
    if "HANDSHAKE_FAILURE" in reason:
        return "the service may want a client certificate, which is given as cert=, or another version of TLS"
    if "WRONG_VERSION_NUMBER" in reason or "HTTP_REQUEST" in reason:
        return "what answers there doesn't speak TLS; is the address http:// and not https://?"
    return "to set what TLS allows, pass an SSL context as verify="
