"""Defaults in the signatures of attrs classes: as values, and not as the code that attrs writes for `__init__`."""

from __future__ import annotations

import re
from typing import Any

import attrs

_OF_ATTRS = re.compile(r"attr_dict\['(\w+)'\]\.default|\bNOTHING\b")


def readable(
    _app: Any,
    what: str,
    _name: str,
    described: Any,
    _options: Any,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """
    Rewrite a signature, as Sphinx's event `autodoc-process-signature` wants it.

    Args:
        what: What is described, such as "class".
        described: The object.
        signature: Its parameters; None where it has none.
        returns: What it returns.

    Returns:
        The same, with each default as its value; `…` where it is made anew for each object.
    """
    if what != "class" or not signature or not attrs.has(described):
        return signature, returns
    defaults = {field.name: field.default for field in attrs.fields(described)}

    def value(found: re.Match[str]) -> str:
        default = defaults.get(found[1]) if found[1] else attrs.NOTHING
        is_made = default is attrs.NOTHING or isinstance(default, attrs.Factory)  # type: ignore[arg-type]
        return "…" if is_made else repr(default)

    return _OF_ATTRS.sub(value, signature), returns
