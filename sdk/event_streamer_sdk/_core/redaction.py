"""What must never be read in a log or an error: API keys, passwords, resume tokens."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

HIDDEN = "***"

_TOKEN = re.compile(r"\brt_[A-Za-z0-9_\-+/=.%]+")
_TOKEN_IN_QUERY = re.compile(r"(resume_token=)[^&\s\"']+")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """
    Take out of a text what is secret.

    Args:
        text: Anything that is going to be shown.
        secrets: Known values, such as an API key. Resume tokens are found by their form.

    Returns:
        The text with `***` in the place of each.
    """
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _TOKEN.sub(HIDDEN, _TOKEN_IN_QUERY.sub(rf"\1{HIDDEN}", text))


class TokenFilter(logging.Filter):
    """
    Takes resume tokens out of the records of the HTTP libraries.

    httpx logs the whole URL of each request at INFO and urllib3 at DEBUG; the token is part of the query.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record."""
        message = record.getMessage()
        clean = redacted(message)
        if clean != message:
            record.msg, record.args = clean, ()
        return True


TOKEN_FILTER = TokenFilter()
"""One instance, so that adding it to a logger twice changes nothing."""

LIBRARY_LOGGERS = ("httpx", "urllib3.connectionpool")
"""The loggers that would write whole URLs."""
