"""What a new version of the generated package changes for those who use it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from limits import is_tighter, takes_all
from runtime.checks import counted


@dataclass
class _Argument:
    """An argument of a call, or a field of a model."""

    hint: str
    required: bool
    rules: str = ""
    wire: str = ""


@dataclass
class _Call:
    arguments: dict[str, _Argument]
    result: str
    asks: str
    deprecated: bool


@dataclass
class _Model:
    fields: dict[str, _Argument] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)


@dataclass
class _Package:
    calls: dict[str, _Call] = field(default_factory=dict)
    models: dict[str, _Model] = field(default_factory=dict)


def changes(before: Path, after: Path) -> list[str]:
    """
    Compare two generated packages.

    Args:
        before: The package as it was; it need not exist.
        after: The package as it is now.

    Returns:
        A line for each change, the breaking ones first; one that says so where there is none.
    """
    new = _package(after)
    if not (before / "client.py").exists():
        return [f"new for users: {counted(len(new.calls), 'call')} and {counted(len(new.models), 'model')}"]
    old = _package(before)
    found = [*_of_calls(old.calls, new.calls), *_of_models(old, new)]
    told = [f"breaking: {text}" for breaks, text in found if breaks]
    told += [f"compatible: {text}" for breaks, text in found if not breaks]
    return told or ["nothing changed for users"]


def _of_calls(old: dict[str, _Call], new: dict[str, _Call]) -> Iterator[tuple[bool, str]]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield True, f"the call {name} is removed"
        elif name not in old:
            yield False, f"the call {name} is added"
        else:
            where = f"the call {name}"
            yield from _of_arguments(
                where, "argument", old[name].arguments, new[name].arguments, is_read=False
            )
            if old[name].asks != new[name].asks:
                yield (
                    True,
                    f"{where}: it asks for {new[name].asks} now; older clients ask for {old[name].asks}",
                )
            if new[name].deprecated and not old[name].deprecated:
                yield False, f"{where} is deprecated"
            kept = [argument for argument in new[name].arguments if argument in old[name].arguments]
            gone = [argument for argument in old[name].arguments if argument in new[name].arguments]
            position = list(new[name].arguments)[: len(kept)]
            if kept != gone or (kept != position and set(kept) == set(old[name].arguments)):
                yield True, f"{where}: the order of the arguments is {', '.join(new[name].arguments)}"
            if old[name].result != new[name].result:
                wider = not takes_all(old[name].result, new[name].result)
                yield wider, f"{where}: the result is {new[name].result}, was {old[name].result}"


def _reached(hints: list[str], package: _Package) -> set[str]:
    """Get the names of the models that types name, by themselves or in others."""
    reached: set[str] = set()
    while hints:
        named = set(re.findall(r"\w+", hints.pop())) & package.models.keys() - reached
        reached |= named
        hints += [held.hint for name in named for held in package.models[name].fields.values()]
    return reached


def _of_models(was: _Package, now: _Package) -> Iterator[tuple[bool, str]]:
    calls = now.calls.values()
    handed = _reached([each.hint for call in calls for each in call.arguments.values()], now)
    given = _reached([call.result for call in calls], now)
    old, new = was.models, now.models
    for name in sorted(old.keys() | new.keys()):
        sent, read = name in handed, name in given
        if name not in new:
            yield True, f"the model {name} is removed"
        elif name not in old:
            yield False, f"the model {name} is added"
        else:
            where = f"the model {name}"
            yield from _of_arguments(
                where, "field", old[name].fields, new[name].fields, is_sent=sent, is_read=read
            )
            if old[name].rules != new[name].rules:
                tighter = sent and any(
                    is_tighter(old[name].rules.get(kind, ""), text) for kind, text in new[name].rules.items()
                )
                told = "tighter" if tighter else "others"
                yield tighter, f"{where}: the rules for which fields are there are {told}"
            for value in sorted(old[name].values.keys() | new[name].values.keys()):
                before, after = old[name].values.get(value), new[name].values.get(value)
                if after is None:
                    yield True, f"the enum {name}: the value {value} is removed"
                elif before is None:
                    yield False, f"the enum {name}: the value {value} is added"
                elif before != after:
                    yield True, f"the enum {name}: {value} is {after}, was {before}"


def _of_arguments(
    where: str,
    kind: str,
    old: dict[str, _Argument],
    new: dict[str, _Argument],
    *,
    is_sent: bool = True,
    is_read: bool,
) -> Iterator[tuple[bool, str]]:
    # Of a model that no call names, nobody knows what users do with it.
    may_be_sent, may_be_read = is_sent or not is_read, is_read or not is_sent
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield True, f"{where}: the {kind} {name} is removed"
            continue
        after = new[name]
        if name not in old:
            yield (
                after.required and may_be_sent,
                f"{where}: the {'required' if after.required else 'optional'} {kind} {name} is added",
            )
            continue
        before = old[name]
        if before.wire != after.wire:
            yield (
                True,
                f"{where}: the {kind} {name} is {after.wire} on the wire; older clients say {before.wire}",
            )
        if before.required != after.required:
            yield (
                after.required and may_be_sent,
                f"{where}: the {kind} {name} is {'required' if after.required else 'optional'} now",
            )
        if before.hint != after.hint:
            narrower = may_be_sent and not takes_all(after.hint, before.hint)
            # A type that is new to a union arrived as `Unknown` before.
            wide = "Any" if "Unknown" in before.hint and "Unknown" in after.hint else before.hint
            wider = may_be_read and not takes_all(wide, after.hint)
            yield narrower or wider, f"{where}: the {kind} {name} is {after.hint}, was {before.hint}"
        elif before.rules != after.rules:
            # Those who only read a value are not held to its limits.
            if is_sent and is_tighter(before.rules, after.rules):
                yield True, f"{where}: the limits of the {kind} {name} are tighter"
            else:
                yield False, f"{where}: the limits or the default of the {kind} {name} are others"


def _package(folder: Path) -> _Package:
    package = _Package()
    for path in sorted((folder / "api").glob("*/*.py")):
        for node in _parsed(path).body:
            if isinstance(node, ast.FunctionDef):
                package.calls[node.name] = _call(node)
    for path in sorted((folder / "models").glob("*.py")):
        for node in _parsed(path).body:
            if isinstance(node, ast.ClassDef):
                package.models[node.name] = _model(node)
    return package


def _parsed(path: Path) -> ast.Module:
    module = ast.parse(path.read_text(encoding="utf-8"))
    _WithoutEnumValues().visit(module)
    return module


def _call(node: ast.FunctionDef) -> _Call:
    plain, named = node.args.args, node.args.kwonlyargs
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(node.args.defaults))
    defaults += [*node.args.defaults, *node.args.kw_defaults]
    arguments = {
        argument.arg: _Argument(_text(argument.annotation), default is None, _text(default))
        for argument, default in zip([*plain, *named], defaults, strict=True)
    }
    for statement in node.body:
        # `check(…)(argument, "call: argument")`
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            checked = statement.value.args[0]
            if isinstance(checked, ast.Name) and checked.id in arguments:
                arguments[checked.id].rules += f"\n{_text(statement.value.func)}"
    result = _text(node.returns).removeprefix("Operation[").removesuffix("]")
    method, path = "", ""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and _text(each.func) == "Operation":
            keywords = {keyword.arg: keyword.value for keyword in each.keywords}
            method, path = _pattern(keywords["method"]), _pattern(keywords["path"])
        elif isinstance(each, ast.Call) and _text(each.func) == "_send.styled":
            arguments[_text(each.args[1])].wire = _text(each.args[0])
        elif isinstance(each, ast.Dict):
            for key, value in zip(each.keys, each.values, strict=True):
                if isinstance(value, ast.Name) and value.id in arguments:
                    arguments[value.id].wire = _text(key)
    deprecated = "Deprecated: the service" in (ast.get_docstring(node) or "")
    return _Call(arguments, result, f"{method} {path}", deprecated)


def _pattern(node: ast.expr) -> str:
    """Write a string with its arguments left out."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def _model(node: ast.ClassDef) -> _Model:
    model = _Model()
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            call = statement.value
            keywords = {each.arg for each in call.keywords} if isinstance(call, ast.Call) else set()
            name = statement.target.id.lstrip("_")
            required = not keywords & {"default", "factory"}
            model.fields[name] = _Argument(
                _text(statement.annotation), required, _text(call), _wire(call, name)
            )
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__attrs_post_init__":
            calls = [each.value for each in statement.body if isinstance(each, ast.Expr)]
            model.rules = {
                _text(each.func) if "needs" not in _text(each) else _text(each): _text(each)
                for each in calls
                if isinstance(each, ast.Call)
            }
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            model.values[statement.targets[0].id] = _text(statement.value)
    return model


def _wire(definition: ast.expr | None, name: str) -> str:
    for each in definition.keywords if isinstance(definition, ast.Call) else []:
        if each.arg == "metadata":
            name = ast.literal_eval(each.value).get("wire", name)
    return repr(name)


class _WithoutEnumValues(ast.NodeTransformer):
    """Leaves the values of an enum out of its checks: what changes of them is told of the enum alone."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _text(node.func) == "_check.member":
            del node.args[1:]
        return node


def _text(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(node)
