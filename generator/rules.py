"""
What openapi-python-client drops: limits, defaults, documentation, and the vendor extensions of this project.

Nothing in here says what a name or a type is.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from document import Document, Node
from parsed import PropertyProtocol
from prepare import Preparation
from runtime.checks import counted
from runtime.patterns import UnknownPattern, compiled

_WIDTH = 96
# The keywords that limit a value of one kind, and the argument of its check.
TEXT = {"pattern": "pattern", "minLength": "min_length", "maxLength": "max_length"}
NUMBER = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "multipleOf": "multiple_of",
}
ARRAY = {"minItems": "min_items", "maxItems": "max_items", "uniqueItems": "unique_items"}
OBJECT = {"minProperties": "min_properties", "maxProperties": "max_properties"}
_WORDS: dict[str, Callable[[Any], str]] = {
    "minimum": "{} or more".format,
    "maximum": "{} or less".format,
    "exclusiveMinimum": "more than {}".format,
    "exclusiveMaximum": "less than {}".format,
    "multipleOf": "a multiple of {}".format,
    "pattern": "has the form `{}`".format,
    "minItems": lambda least: f"{counted(least, 'item')} or more",
    "maxItems": lambda most: f"{counted(most, 'item')} at most",
    "minProperties": lambda least: f"{counted(least, 'entry')} or more",
    "maxProperties": lambda most: f"{counted(most, 'entry')} at most",
    "uniqueItems": lambda _: "no item twice",
}
# In a docstring the ends of a range are told where they mean something; most maxima are those of the type.
_TOLD = {key for key in _WORDS if key != "maximum"}
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_LOWER_ENDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")


class Rules:
    """
    Looks up what holds for a value, at the places where it is described.

    A value may be described at several places: at the field, where its `$ref` leads, in what it inherits.
    """

    def __init__(self, document: Document, preparation: Preparation) -> None:
        self._document = document
        self._preparation = preparation

    def wire_name(self, prop: PropertyProtocol) -> str:
        """Get the name of a field on the wire."""
        name = prop.name.get_untrusted_value()
        return self._preparation.wire_names.get(name, name)

    def nodes(self, places: Iterable[str]) -> Iterator[tuple[Node, str]]:
        """Go through all schemas that hold for a value."""
        for place in dict.fromkeys(places):
            yield from self._document.rules(place)

    def limits(self, places: Iterable[str], keywords: dict[str, str]) -> str:
        """
        Write the limits of a value as the arguments of its check.

        Args:
            places: Where the value is described.
            keywords: The keywords that hold for values of its kind, and the arguments' names.

        Returns:
            The arguments as source text, in the order of the document.
        """
        places = [place for place in places if place not in self._preparation.ambiguous]
        found = self._limits(places, keywords)
        return ", ".join(f"{keywords[key]}={value!r}" for key, value in found.items())

    def _limits(self, places: Iterable[str], keywords: Iterable[str]) -> Node:
        found: Node = {}
        for node, place in self.nodes(places):
            for key, value in _with_numbers(node).items():
                if key not in keywords or value is False:
                    continue
                self._check_limit(key, value, place)
                if key == "pattern":
                    try:
                        compiled(value)
                    except UnknownPattern as error:
                        self._preparation.notice(place, f"`pattern: {value}` isn't enforced: {error}")
                        continue
                    if found.get(key, value) != value:
                        self._preparation.notice(place, "the second `pattern` isn't enforced")
                        continue
                if key in found and not isinstance(value, str):
                    value = max(found[key], value) if key in _LOWER_ENDS else min(found[key], value)
                found[key] = value
        return found

    def _check_limit(self, key: str, value: Any, place: str) -> None:
        kinds = {"pattern": (str,), "uniqueItems": (bool,)}.get(key, (int, float))
        right = isinstance(value, kinds) and (key == "uniqueItems" or not isinstance(value, bool))
        if right and not isinstance(value, str):
            right = math.isfinite(value) and (key != "multipleOf" or value > 0)
            right = right and (key not in _COUNTS or (value >= 0 and value == int(value)))
        if not right:
            raise self._document.wrong(place, f"`{key}` can't be {value!r}")

    def value(self, places: Iterable[str], keyword: str) -> Any:
        """Get a keyword's value from the first place that has it, or None."""
        for node, _ in self.nodes(places):
            if keyword in node:
                return node[keyword]
        return None

    def says(self, places: Iterable[str], keyword: str) -> bool:
        """Whether a keyword is there and true, at one of the places themselves."""
        return any(self._document.schema(self._document.at(place), place).get(keyword) for place in places)

    def alternatives(self, place: str) -> list[tuple[bool, list[list[str]]]]:
        """
        Find the fields of which some are needed: `anyOf` or `oneOf` with only `required` in its members.

        Args:
            place: Where the object is described.

        Returns:
            For each of the two whether exactly one group is needed, and the groups of names.
        """
        found = []
        for key in ("anyOf", "oneOf"):
            for node, _ in self.nodes([place]):
                members = node.get(key) or []
                if members and all(
                    isinstance(member, dict) and set(member) == {"required"} for member in members
                ):
                    found.append((key == "oneOf", [list(member["required"]) for member in members]))
        return found

    def description(self, places: Iterable[str]) -> str:
        """Get the description of a value, in one line."""
        text = self.value(places, "description")
        return " ".join(str(text).split()) if text else ""

    def documented(self, places: list[str], wire: str | None = None) -> str:
        """
        Describe a field or an argument with what else a user has to know: default, range, shape.

        Args:
            places: Where it is described.
            wire: Its name on the wire, where that is another one than in Python.

        Returns:
            The text, in one line.
        """
        text = self.description(places)
        found = self._limits(places, _TOLD)
        told = [_WORDS[key](value) for key, value in found.items() if key in _TOLD]
        default = self.value(places, "default")
        if default is not None:
            told.append(f"default {default!r}")
        if told:
            sentence = "; ".join(told)
            text = f"{text} {sentence[0].upper()}{sentence[1:]}."
        if wire is not None:
            text = f"{text} Called `{wire}` on the wire."
        if any(self._document.schema(self._document.at(place), place).get("deprecated") for place in places):
            text = f"{text} Deprecated."
        return text.strip()


def _with_numbers(node: Node) -> Node:
    """Write the exclusive ends of 3.0, which are booleans there, as numbers."""
    if not any(isinstance(node.get(key), bool) for key in ("exclusiveMinimum", "exclusiveMaximum")):
        return node
    written = {key: value for key, value in node.items() if not key.startswith("exclusive")}
    for key, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if node.get(exclusive) is True and key in written:
            written[exclusive] = written.pop(key)
    return written


def docstring(
    summary: str, description: str, arguments: Iterable[tuple[str, str]], returns: str, raises: dict[str, str]
) -> str:
    """
    Write the docstring of a call in Google's style.

    Args:
        summary: Its first line.
        description: What follows, in paragraphs.
        arguments: Each argument's name and text.
        returns: What it gives.
        raises: Each exception's name and reason.

    Returns:
        The text, without indentation.
    """
    parts = [_wrapped(summary)]
    parts += [_wrapped(paragraph) for paragraph in description.split("\n\n") if paragraph.strip()]
    entries = [f"{name}: {text}".rstrip(": ") for name, text in arguments]
    parts += [_section("Args", entries)] if entries else []
    parts.append(_section("Returns", [returns]))
    parts.append(_section("Raises", [f"{name}: {reason}" for name, reason in raises.items()]))
    return "\n\n".join(part for part in parts if part)


def _section(title: str, entries: list[str]) -> str:
    lines = [
        textwrap.fill(" ".join(entry.split()), _WIDTH, initial_indent="    ", subsequent_indent="        ")
        for entry in entries
    ]
    return "\n".join([f"{title}:", *lines])


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH)
