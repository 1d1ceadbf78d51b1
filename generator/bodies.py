"""What a call sends besides its parameters, and what its answers are read as."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from document import Document, Node, escaped
from names import python_name
from parsed import Endpoint, FileProperty, ModelProperty, PropertyProtocol, Reference, Response
from prepare import SENT
from properties import Properties
from types_of import or_none


@dataclass(kw_only=True)
class Argument:
    """An argument of a call."""

    name: str
    wire: str
    place: str
    hint: str
    check: str
    default: str | None
    client_fills: bool
    doc: str
    style: str
    explode: bool
    structured: bool


@dataclass
class _Sent:
    content_type: str
    kind: str
    prop: PropertyProtocol

    @property
    def text(self) -> bool:
        """Whether what is sent is text rather than bytes."""
        kind = self.content_type.lower()
        return self.kind == "content" and kind.startswith("text/") and not isinstance(self.prop, FileProperty)

    @property
    def sent_as(self) -> str:
        """The content type that the service is told; of a range, such as `text/*`, one that is in it."""
        if "*" not in self.content_type:
            return self.content_type
        return "text/plain" if self.text else "application/octet-stream"


@dataclass
class Body:
    """A body: the argument that holds it, and how it is written."""

    argument: Argument
    classes: set[tuple[str, str]]
    json: str = "None"
    lines: list[str] = field(default_factory=list)
    content: bool = False
    headers: bool = False
    runtime: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class _Answer:
    kind: str
    hint: str
    decode: str
    classes: set[tuple[str, str]] = field(default_factory=set)
    runtime: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Result:
    """What a call gives: its type, and how an answer becomes one."""

    doc: str
    hint: str = "None"
    parse: str = "_read.nothing"
    read_as: str | None = None
    answers: str | None = None
    classes: set[tuple[str, str]] = field(default_factory=set)
    runtime: set[tuple[str, str]] = field(default_factory=set)


class Bodies:
    """Writes the bodies and the results of calls."""

    def __init__(self, document: Document, properties: Properties) -> None:
        self._document = document
        self._properties = properties

    def body(self, endpoint: Endpoint, declared: Node, place: str, taken: Collection[str]) -> Body | None:
        """
        Write the body of a call.

        Args:
            endpoint: The call as openapi-python-client parsed it.
            declared: The call in the document.
            place: Where it stands.
            taken: The names of the call's other arguments.

        Returns:
            The body, or None where the call has none.
        """
        if not endpoint.bodies:
            return None
        node, where = self._document.followed(declared["requestBody"], f"{place}/requestBody")
        name = python_name(str(node.get("x-argument") or "body"), "", taken)
        required = bool(node.get("required"))
        kinds = [
            _Sent(
                each.content_type.get_untrusted_value().removesuffix(SENT),
                str(each.body_type.value),
                each.prop,
            )
            for each in endpoint.bodies
        ]
        hints = [self._body_hint(each) for each in kinds]
        checks = [
            self._body_check(each, f"{where}/content/{escaped(each.content_type)}/schema") for each in kinds
        ]
        hint = " | ".join(dict.fromkeys(part for each in hints for part in each.split(" | ")))
        hint = "Any" if "Any" in hints else hint
        check = checks[0]
        if len(checks) > 1:
            check = f"_check.any_of({', '.join([repr(hint.replace(' | ', ' or ')), *dict.fromkeys(checks)])})"
        nullable = hint.endswith("| None") or " None" in hint
        if not required:
            hint = or_none(hint.replace(" | None", ""))
            check = check if check == "_check.anything()" else f"_check.nullable({check})"
        models = {str(each.prop.class_info.name) for each in kinds if isinstance(each.prop, ModelProperty)}
        text = self._document.at(where).get("description")
        doc = " ".join(str(text).split()) if text else f"The {hint.removesuffix(' | None')} to send."
        argument = Argument(
            name=name, wire="", place="body", hint=hint, check=check, default=None if required else "None",
            client_fills=False, doc=doc, style="", explode=False, structured=False,
        )  # fmt: skip
        classes = {each for kind in kinds for each in self._properties.classes(kind.prop)}
        body = Body(argument=argument, classes=classes)
        if len(kinds) == 1 and kinds[0].kind == "json" and kinds[0].content_type == "application/json":
            encoded = self._properties.encoded(kinds[0].prop, name, argument="")
            if required and (nullable or hint == "Any"):
                body.content, body.headers = True, True
                body.lines = [
                    f"_content = _send.json_content({name})",
                    '_headers = {"Content-Type": "application/json"}',
                ]
                return body
            body.json = (
                encoded
                if required
                else (name if encoded == name else f"None if {name} is None else {encoded}")
            )
            return body
        body.content, body.headers = True, True
        body.lines = self._body_lines(name, kinds, required=required)
        if len(kinds) > 1:
            body.runtime = {each for each in classes if each[1] in models}
        return body

    def _body_lines(self, name: str, kinds: list[_Sent], *, required: bool) -> list[str]:
        lines = ["_content: bytes | None = None", "_headers: dict[str, str] = {}"]
        keyword = "if"
        for index, kind in enumerate(kinds):
            test = self._test(kind, name)
            if index == len(kinds) - 1:
                test = f"{name} is not None" if not required else "True"
            inner = [
                f"_content = {self._content(kind, name)}",
                f'_headers["Content-Type"] = {kind.sent_as!r}',
            ]
            if kind.kind == "files":
                inner = [f'_content, _headers["Content-Type"] = _send.multipart_content({name})']
            if test == "True" and keyword == "if":
                lines += inner
            else:
                lines += [
                    f"{keyword} {test}:" if test != "True" else "else:",
                    *(f"    {line}" for line in inner),
                ]
            keyword = "elif"
        return lines

    def _content(self, kind: _Sent, name: str) -> str:
        if kind.kind == "json":
            return f"_send.json_content({name})"
        return f"_send.form_content({name})" if kind.kind == "data" else f"_send.raw_content({name})"

    def _test(self, kind: _Sent, name: str) -> str:
        prop = kind.prop
        if kind.kind == "content":
            return f"isinstance({name}, {'str' if kind.text else 'bytes | File'})"
        if isinstance(prop, ModelProperty) and not self._properties.is_map(prop):
            return f"isinstance({name}, {prop.class_info.name})"
        runtime = {"str": "str", "int": "int", "float": "int | float", "bool": "bool"}
        hint = self._properties.bare_hint(prop).partition("[")[0]
        return f"isinstance({name}, {runtime.get(hint, hint if hint in ('list', 'dict') else 'object')})"

    def _body_hint(self, kind: _Sent) -> str:
        if kind.kind != "content":
            return self._properties.hint(kind.prop)
        return "str" if kind.text else "bytes | File"

    def _body_check(self, kind: _Sent, place: str) -> str:
        if kind.kind != "content":
            return self._properties.check(kind.prop, [place] if self._exists(place) else [])
        return "_check.text()" if kind.text else "_check.binary()"

    def _exists(self, place: str) -> bool:
        try:
            self._document.at(place)
        except (KeyError, IndexError, TypeError):
            return False
        return True

    def result(self, endpoint: Endpoint, handwritten: bool) -> Result:
        """
        Write the result of a call.

        Args:
            endpoint: The call as openapi-python-client parsed it.
            handwritten: Whether what isn't JSON is read elsewhere, as the stream is.

        Returns:
            The result.
        """
        answers: dict[str, _Answer] = {}
        docs = []
        for response in endpoint.responses:
            where = _place_of_answer(response)
            answers[response.status_code.pattern] = self._answer(response)
            docs.append(str(self._document.at(where).get("description") or "").strip())
        doc = next((text for text in docs if text), "The answer.")
        if not answers or all(answer.kind == "none" for answer in answers.values()):
            return Result(hint="bool", parse="_read.succeeded", doc=f"True. {doc}")
        kinds = {(answer.kind, answer.decode) for answer in answers.values()}
        if handwritten and not any(answer.kind == "json" for answer in answers.values()):
            return Result(hint="None", parse="_read.nothing", doc=doc)
        result = Result(doc=doc)
        result.classes = {each for answer in answers.values() for each in answer.classes}
        result.runtime = {each for answer in answers.values() for each in answer.runtime}
        if len(kinds) == 1:
            answer = next(iter(answers.values()))
            result.hint, result.parse = answer.hint, f"_read.answer_of({answer.decode})"
            if answer.kind != "json":
                result.parse = "_read.answer_of(_read.as_is)"
                result.read_as = f"_read.as_{answer.kind}"
            return result
        hints = dict.fromkeys(part for answer in answers.values() for part in answer.hint.split(" | "))
        hints.pop("None", None) if (may_be_none := "None" in hints) else None
        joined = "Any" if "Any" in hints else " | ".join(hints)
        result.hint = or_none(joined) if may_be_none else joined
        written = ", ".join(
            f'"{status}": ("{answer.kind if answer.kind != "none" else "bytes"}", {answer.decode})'
            for status, answer in answers.items()
        )
        result.parse, result.read_as = "_answers.parse", "_answers.read_as"
        result.answers = f"_read.Answers({{{written}}})"
        return result

    def _answer(self, response: Response) -> _Answer:
        prop: PropertyProtocol = response.prop
        if response.source["return_type"] == "None":
            return _Answer("none", "None", "_read.without_body")
        if response.source["return_type"] in ("bytes", "str"):
            kind = response.source["return_type"]
            return _Answer("bytes" if kind == "bytes" else "text", kind, "_read.as_is")
        decode = self._properties.decoder(prop, null=True)
        simple = isinstance(prop, ModelProperty) and not self._properties.is_map(prop)
        if not simple and self._properties.check(prop) != "_check.anything()":
            decode = f"_read.checked_answer({self._properties.check(prop)}, {decode})"
        classes = set(self._properties.classes(prop))
        return _Answer("json", self._properties.hint(prop), decode, classes, classes)


def _place_of_answer(response: Response) -> str:
    """Get the place of the answer that a response was made of."""
    assert not isinstance(response.data, Reference), "the prepared document has no references to answers"
    return response.data.description.get_untrusted_value()
