"""The models and enums as the templates print them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from defaults import Defaults
from document import Document
from names import MODEL_NAMES, python_name
from parsed import ConstProperty, EnumProperty, ModelProperty, PropertyProtocol
from prepare import Preparation
from properties import Properties
from rules import OBJECT, Rules
from types_of import enum_values, or_none, place_of


@dataclass(kw_only=True)
class Field:
    """A field of a model."""

    name: str
    wire: str
    hint: str
    check: str
    default: str | None
    fallback: str | None
    made_default: str | None
    decode: str
    encode: str
    plain: bool
    may_be_none: bool
    nullable: bool
    always_sent: bool
    always_arrives: bool
    null_clears: bool
    metadata: str
    doc: str


@dataclass(kw_only=True)
class Model:
    """A model."""

    doc: str
    fields: list[Field]
    more_hint: str
    more_check: str | None
    more_decode: str | None
    more_encode: str | None
    limits: str
    needs: list[str]
    models: list[tuple[str, str]]
    enums: list[tuple[str, str]]


class Models:
    """Writes models and enums."""

    def __init__(
        self,
        document: Document,
        preparation: Preparation,
        rules: Rules,
        properties: Properties,
        defaults: Defaults,
        enums: Collection[str],
    ) -> None:
        """
        Get ready.

        Args:
            document: The document.
            preparation: Where it is told what isn't enforced.
            rules: What openapi-python-client drops.
            properties: How values are written.
            defaults: What stands in for values that are left out.
            enums: The names of all enums.
        """
        self._document = document
        self._preparation = preparation
        self._rules = rules
        self._properties = properties
        self._defaults = defaults
        self._enums = enums

    def enum(self, enum: EnumProperty) -> dict[str, Any]:
        """Describe an enum."""
        place = place_of(enum)
        return {
            "doc": self._text(place) or f"The values of {enum.class_info.name}.",
            "values": enum_values(enum),
        }

    def model(self, model: ModelProperty) -> Model:
        """Describe a model."""
        place = place_of(model) or ""
        described = self._document.fields(place) if place else {}
        fields: list[Field] = []
        # In the order of the document, in which they are read.
        properties = [*(model.required_properties or []), *(model.optional_properties or [])]
        order = {name: index for index, name in enumerate(described)}
        for prop in sorted(properties, key=lambda each: order.get(self._rules.wire_name(each), len(order))):
            wire = self._rules.wire_name(prop)
            fields.append(self._field(prop, wire, described.get(wire, []), {each.name for each in fields}))
        classes = sorted({each for prop in properties for each in self._properties.classes(prop)})
        more = model.additional_properties
        if more is not None:
            classes = sorted({*classes, *self._properties.classes(more)})
        own = (str(model.class_info.module_name), str(model.class_info.name))
        typed = more is not None and self._properties.hint(more) != "Any"
        return Model(
            doc=self._text(place) or f"The model {model.class_info.name}.",
            fields=fields,
            more_hint=self._properties.hint(more) if more is not None and typed else "Any",
            more_check=(
                "_check.closed()" if more is None
                else f"_check.mapping({self._properties.check(more)})" if typed else None
            ),
            more_decode=(
                "read.rest_of_closed()" if more is None
                else f"read.rest_of({self._properties.decoder(more, null=True)})" if typed else None
            ),
            more_encode=self._more_encoded(more) if more is not None and typed else None,
            limits=self._rules.limits([place] if place else [], OBJECT),
            needs=self._needs(model, place, fields),
            models=[each for each in classes if each[1] not in self._enums and each != own],
            enums=[each for each in classes if each[1] in self._enums],
        )  # fmt: skip

    def _more_encoded(self, more: PropertyProtocol) -> str | None:
        encoded = self._properties.encoded(more, "value")
        if encoded == "value":
            return None
        if self._properties.nullable(more):
            encoded = f"None if value is None else {encoded}"
        return f"{{key: {encoded} for key, value in self.additional_properties.items()}}"

    def _needs(self, model: ModelProperty, place: str, fields: list[Field]) -> list[str]:
        """Conditions that hold where too few (or too many) of some groups of fields are there."""
        by_wire = {each.wire: each.name for each in fields}
        found = []
        for exactly, groups in self._rules.alternatives(place) if place else []:
            if any(name not in by_wire for group in groups for name in group):
                self._preparation.notice(place, "`required` in a union names a field that isn't described")
                continue
            told = " or ".join(" and ".join(by_wire[name] for name in group) for group in groups)
            given = [f"[{', '.join(f'self.{by_wire[name]}' for name in group)}]" for group in groups]
            name = str(model.class_info.name)
            told = f"either {told}, not both" if exactly else told
            found.append(f"_check.needs({name!r}, {told!r}, [{', '.join(given)}], exactly_one={exactly})")
        return found

    def _field(self, prop: PropertyProtocol, wire: str, places: list[str], taken: Collection[str]) -> Field:
        wanted = self._rules.value(places, "x-python-name") or prop.python_name
        name = python_name(str(wanted), wire, {*MODEL_NAMES, *taken})
        fills = self._rules.says(places, "x-client-fills")
        # Required of one side alone: of the service, or of the client (OpenAPI 3.0, "Schema Object").
        read_only, write_only = (
            prop.required and bool(self._rules.value(places, key)) for key in ("readOnly", "writeOnly")
        )
        declared = self._defaults.of(prop, places)
        nullable = self._properties.nullable(prop)
        may_be_left_out = not prop.required or fills or read_only
        may_be_none = nullable or (not prop.required and declared is None) or fills or read_only or write_only
        default, made = self._default(prop, declared, name)
        if isinstance(prop, ConstProperty):
            default = f"_check.fixed({prop.value.raw_value!r})"
        elif default is None and may_be_none and may_be_left_out:
            default = "None"
        hint, check = self._properties.bare_hint(prop), self._properties.check(prop, places, null=False)
        if may_be_none:
            hint = or_none(hint)
            check = (
                check if check in ("_check.anything()", "_check.nothing()") else f"_check.nullable({check})"
            )
        encode = self._properties.encoded(prop, f"self.{name}")
        metadata = {"wire": wire} if wire != name else {}
        secret = self._rules.value(places, "format") == "password"
        return Field(
            name=name,
            wire=wire,
            hint=hint,
            check=check,
            default=default,
            fallback=None
            if prop.required
            else ("None" if isinstance(prop, ConstProperty) and may_be_none else default),
            made_default=made,
            decode=self._properties.decoder(prop),
            encode=encode,
            plain=encode == f"self.{name}",
            may_be_none=may_be_none,
            nullable=nullable,
            always_sent=prop.required and not (fills or read_only or write_only),
            always_arrives=prop.required and not (fills or write_only),
            null_clears=self._rules.says(places, "x-null-clears"),
            metadata=repr({**metadata, **({"secret": True} if secret else {})}) if metadata or secret else "",
            doc=self._rules.documented(places, wire if wire != name else None),
        )

    def _default(self, prop: PropertyProtocol, declared: Any, name: str) -> tuple[str | None, str | None]:
        """Write a default: as a value, or the name and body of a function that makes one."""
        if declared is None:
            return None, None
        decoder = self._properties.decoder(prop)
        if isinstance(prop, EnumProperty):
            member = next(key for key, value in enum_values(prop).items() if value == declared)
            return f"{prop.class_info.name}.{member}", None
        if declared in ([], {}) and isinstance(declared, list | dict) and not decoder.endswith(".from_dict"):
            return type(declared).__name__, None
        if isinstance(declared, list | dict) or decoder not in ("_read.as_is", "_read.to_integer"):
            return f"_default_{name}", f"return {decoder}({declared!r})"
        return repr(declared), None

    def _text(self, place: str | None) -> str:
        if not place:
            return ""
        node = self._document.schema(self._document.at(place), place)
        return str(node.get("description") or node.get("title") or "").strip()
