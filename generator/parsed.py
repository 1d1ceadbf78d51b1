"""
The only place that touches openapi-python-client (but for its naming of things, in `names`).

Neither its Python API nor its templates are stable, so its version is pinned exactly, and checked here. It
runs in this process rather than as a command, since the templates need what `views` makes of its parsed
properties, and since its errors carry the schema they are about, which the command's output only prints.
"""

from __future__ import annotations

import contextlib
import copy
import io
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from openapi_python_client import Project
from openapi_python_client import schema as oai
from openapi_python_client.config import ClassOverride, Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser import properties as kinds
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import Endpoint, EndpointCollection
from openapi_python_client.parser.properties.any import AnyProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.enum_property import EnumProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.model_property import ANY_ADDITIONAL_PROPERTY, ModelProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty
from openapi_python_client.parser.responses import Response
from openapi_python_client.schema.openapi_schema_pydantic import Reference
from openapi_python_client.schema.untrusted_string import UntrustedString

from document import Document, DocumentError, tokens
from kinds import UNIONS
from names import CLASS_NAMES, in_literal
from prepare import Preparation

VERSION = "0.29.1"
_MOST_ROUNDS = 200

# As openapi-python-client has them.
_create_schemas = vars(kinds)["_create_schemas"]
_build_model = vars(ModelProperty)["build"].__func__


def parse(document: Document) -> tuple[GeneratorData, Preparation]:
    """
    Let openapi-python-client read a document.

    Where it stops at something that OpenAPI allows, the document is prepared in another way, and read
    again: two classes that would have the same name get different ones, and a schema that it can't express
    becomes any value, which is told.

    Args:
        document: The document.

    Returns:
        What it read, and the prepared document.

    Raises:
        DocumentError: If the document is wrong.
    """
    if version("openapi-python-client") != VERSION:
        raise DocumentError(
            f"openapi-python-client {version('openapi-python-client')} is installed, but {VERSION} is "
            "needed: install the dependency group `generator`"
        )
    _allow_everywhere()
    _copy_lightly()
    _read_named_objects_last()
    titles: dict[str, str] = {}
    loosened: dict[str, str] = {}
    for _ in range(_MOST_ROUNDS):
        preparation = Preparation(document, titles, loosened)
        prepared = preparation.document()
        data = GeneratorData.from_dict(prepared, config=_config(preparation, None))
        if isinstance(data, GeneratorError):
            raise DocumentError(f"{document.name}: {data.header}: {' '.join((data.detail or '').split())}")
        errors = _errors(data)
        if not errors:
            return data, preparation
        # Names all at once, as hundreds of them may clash; the rest one at a time: what one of
        # them makes impossible leads to others.
        clashes = dict.fromkeys(place for error in errors if (place := _clash(error, titles)))
        for place in clashes:
            _rename(document, place, titles)
        if not clashes and not any(_loosened(error, loosened) for error in errors):
            raise _wrong(document, errors[0])
    raise DocumentError(f"{document.name}: openapi-python-client can't read it: {_told(errors[0])}")


def _errors(data: GeneratorData) -> list[ParseError]:
    found: list[Any] = list(data.errors)
    for collection in data.endpoint_collections_by_tag.values():
        found += collection.parse_errors
    return found


def _clash(error: ParseError, titles: dict[str, str]) -> str | None:
    """
    Get the place of a class that has the name of another one.

    Of a member of a union openapi-python-client keeps the reason to itself, so another name is tried first.
    """
    place, told = _place(error), _told(error)
    told_so = re.search("duplicate models|conflicting enums", told) is not None
    return place if told_so or ("Invalid property in union" in told and place not in titles) else None


def _rename(document: Document, place: str, titles: dict[str, str]) -> None:
    """Give another name to a class whose own one is taken."""
    title = document.schema(document.at(place), place).get("title")
    name = next((token for token in reversed(tokens(place)) if not token.isdigit()), "model")
    if name in UNIONS and isinstance(title, str):
        name = title
    base = re.sub(r"\d+$", "", titles.get(place, name))
    number = 2
    while f"{base}{number}" in titles.values():
        number += 1
    titles[place] = f"{base}{number}"


def _loosened(error: ParseError, loosened: dict[str, str]) -> bool:
    """Let a schema that openapi-python-client can't express be any value."""
    told = _told(error)
    place = _place(error)
    if place is None and "reference" in told.lower():
        # The references lead somewhere, so this is a schema that holds itself without an object between.
        place = _named(told)
    if place is None or place in loosened:
        return False
    loosened[place] = told
    return True


def _place(error: GeneratorError) -> str | None:
    """The place of the schema that an error is about."""
    description = getattr(getattr(error, "data", None), "description", None)
    if isinstance(description, UntrustedString) and description.startswith("/"):
        return description.get_untrusted_value()
    return None


def _wrong(document: Document, error: GeneratorError) -> DocumentError:
    """Say of an error where it is; openapi-python-client names the schema at least."""
    told = _told(error)
    return document.wrong(_place(error) or _named(told) or "", told)


def _named(told: str) -> str | None:
    named = re.search(r"/components/schemas/[^\s:]+", told)
    return named[0] if named else None


def _told(error: GeneratorError) -> str:
    detail = (error.detail or "").partition("Failure to process schema")[0]
    text = " ".join(f"{error.header or ''} {detail}".split())
    return re.sub(r"<openapi_python_client\S* object at \w+>", "…", text)


def _allow_everywhere() -> None:
    """Take any value in any parameter: openapi-python-client can't write a date in a header, we can."""
    for kind in vars(kinds).values():
        if isinstance(kind, type) and hasattr(kind, "_allowed_locations"):
            kind._allowed_locations = set(oai.ParameterLocation)


def _copy_lightly() -> None:
    """
    Let a copy of a call share its parts.

    openapi-python-client copies a call three times, each time with every class that it leads to: minutes for
    a document of some hundred calls and a thousand classes. It changes only the lists.
    """

    def copied(call: Endpoint, _memo: object) -> Endpoint:
        new = copy.copy(call)
        for name, value in vars(call).items():
            if isinstance(value, list | dict | set):
                setattr(new, name, copy.copy(value))
        return new

    Endpoint.__deepcopy__ = copied  # type: ignore[attr-defined]


def _read_named_objects_last() -> None:
    """
    Read what named schemas hold when all of them are known.

    openapi-python-client does so with a named object. One inside of a named union it reads at once: what that
    inherits from isn't read by then, and later the classes inside of it are made a second time.
    """
    naming = False

    def create(**parts: Any) -> Any:
        nonlocal naming
        naming = True
        try:
            return _create_schemas(**parts)
        finally:
            naming = False

    def build(cls: type[ModelProperty], /, **parts: Any) -> Any:
        return _build_model(cls, **(parts | {"process_properties": False} if naming else parts))

    setattr(kinds, "_create_schemas", create)  # noqa: B010 - it is private
    setattr(ModelProperty, "build", classmethod(build))  # noqa: B010 - a method


def _config(preparation: Preparation, output: Path | None) -> Config:
    settings = ConfigFile(
        package_name_override=output.name if output else None,
        class_overrides={
            name: ClassOverride.model_validate({"class_name": f"{name}Model"}) for name in CLASS_NAMES
        },
        content_type_overrides=preparation.content_types,
        post_hooks=[],
    )
    return Config.from_sources(settings, MetaType.NONE, Path("openapi.yaml"), "utf-8", False, output)


def render(data: GeneratorData, preparation: Preparation, templates: Path, output: Path, view: Any) -> None:
    """
    Let openapi-python-client write its files by our templates.

    Args:
        data: What it has read.
        preparation: The prepared document.
        templates: The folder of our templates; those of openapi-python-client stand in for what isn't there.
        output: The folder to be written, which must not exist.
        view: What our templates know as `view`.

    Raises:
        DocumentError: If a file can't be written.
    """
    project = Project(openapi=data, config=_config(preparation, output), custom_template_path=templates)
    project.env.globals["view"] = view
    project.env.filters["in_double_quote_literal"] = in_literal
    with contextlib.redirect_stdout(io.StringIO()):
        errors = project.build()
    if errors:
        raise DocumentError(_told(errors[0]))


__all__ = [
    "ANY_ADDITIONAL_PROPERTY",
    "AnyProperty",
    "BooleanProperty",
    "ConstProperty",
    "DateProperty",
    "DateTimeProperty",
    "Endpoint",
    "EndpointCollection",
    "EnumProperty",
    "FileProperty",
    "FloatProperty",
    "GeneratorData",
    "IntProperty",
    "ListProperty",
    "ModelProperty",
    "NoneProperty",
    "PropertyProtocol",
    "Reference",
    "Response",
    "StringProperty",
    "UnionProperty",
    "UuidProperty",
    "parse",
    "render",
]
