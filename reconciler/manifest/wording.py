"""What the schema refuses, in our own words.

pydantic finds and places what is wrong; none of its sentences reaches a person. The readers of
single fields bring their own words (`refusal`); what remains is worded here: missing and unknown
fields, containers of the wrong type, empty lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler.manifest.closest import listed, suggestion
from reconciler.manifest.codes import Code
from reconciler.manifest.refusal import REFUSAL
from reconciler.manifest.snippets import quoted, shown
from reconciler.manifest.tree import Fault, Path, Unreadable

_KEY = "[key]"
"""How pydantic marks a refusal of a mapping's key."""


def faults_of(error: ValidationError, model: type[BaseModel]) -> tuple[Fault, ...]:
    """Give what is wrong with one document; nothing about what the reader already refused."""
    found = error.errors(include_url=False)
    return tuple(_fault(e, model) for e in found if not _is_unreadable(e["input"]))


def _is_unreadable(value: object) -> bool:
    if isinstance(value, dict):
        return any(isinstance(item, Unreadable) for item in value.values())
    return isinstance(value, Unreadable)


def _fault(error: Mapping[str, Any], model: type[BaseModel]) -> Fault:
    path: Path = tuple(step for step in error["loc"] if step != _KEY)
    is_key = len(path) < len(error["loc"])
    if error["type"] == REFUSAL:
        said = error["ctx"]
        return Fault(
            path=path,
            code=said["code"],
            message=said["message"],
            advice=said["advice"],
            at_key=is_key,
        )
    match error["type"]:
        case "missing":
            return _missing(path, model)
        case "extra_forbidden":
            return _unknown(path, model)
        case "too_short":
            return _too_few(path)
        case "literal_error":
            return _other_word(path, error)
        case _:
            return _wrong_type(path, error)


def _missing(path: Path, model: type[BaseModel]) -> Fault:
    field = _fields(model, path[:-1])[str(path[-1])]
    example = (field.examples or ["…"])[0]
    return Fault(
        path=path,
        code=Code.MISSING_FIELD,
        message=f"{_dotted(path)} is missing",
        advice=f"add {path[-1]}: {example}" if field.examples else f"add {path[-1]}",
    )


def _unknown(path: Path, model: type[BaseModel]) -> Fault:
    name, here = str(path[-1]), _fields(model, path[:-1])
    elsewhere = [p for p in _places(model, ()) if p[-1] == name]
    advice = suggestion(name, here, otherwise=f"there are {listed(here)}")
    if elsewhere:
        advice = f"it belongs to {_dotted(elsewhere[0][:-1]) or 'the top of the document'}"
    return Fault(
        path=path,
        code=Code.UNKNOWN_FIELD,
        message=f"there is no field {shown(name)} in {_named(path[:-1])}",
        advice=advice,
        at_key=True,
    )


def _too_few(path: Path) -> Fault:
    if path[-1] == "allowlist":
        return Fault(
            path=path,
            code=Code.EMPTY_ALLOWLIST,
            message="an empty allowlist is no allowlist",
            advice="name the ranges the key is used from, or take allowlist out to allow all",
        )
    return Fault(
        path=path,
        code=Code.EMPTY_LIST,
        message=f"{_dotted(path)} is empty",
        advice="name at least one",
    )


def _other_word(path: Path, error: Mapping[str, Any]) -> Fault:
    """Word a fixed text that is another: the API version, and the name of what there is one of."""
    expected = str(error["ctx"]["expected"]).strip("'")
    return Fault(
        path=path,
        code=Code.API_VERSION if path == ("apiVersion",) else Code.BAD_NAME,
        message=f"{_dotted(path)} has to be {expected}, not {quoted(error['input'])}",
        advice=f"write {expected}",
    )


_WANTED = {
    "dict_type": ("a mapping", "write fields below it, indented by two spaces"),
    "model_type": ("a mapping", "write fields below it, indented by two spaces"),
    "list_type": ("a list", "write items below it, each after a dash and a space"),
    "string_type": ("a text", "write it in quotes"),
    "too_long": ("shorter", "leave some out"),
}


def _wrong_type(path: Path, error: Mapping[str, Any]) -> Fault:
    wanted, advice = _WANTED.get(error["type"], ("something else", "see keyrec schema"))
    return Fault(
        path=path,
        code=Code.WRONG_TYPE,
        message=f"{_dotted(path)} has to be {wanted}, not {quoted(error['input'])}",
        advice=advice,
    )


def _fields(model: type[BaseModel], path: Path) -> dict[str, Any]:
    """Give the fields of the model at a path, by their names in a manifest."""
    at: Any = model
    for step in path:
        at = _fields(at, ())[str(step)].annotation
    return {f.alias or name: f for name, f in at.model_fields.items()}


def _places(model: type[BaseModel], path: Path) -> list[Path]:
    """Give the paths of all fields of a kind."""
    found: list[Path] = []
    for name, field in _fields(model, ()).items():
        here = (*path, name)
        found.append(here)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found.extend(_places(field.annotation, here))
    return found


def _named(path: Path) -> str:
    return _dotted(path) or "a manifest"


def _dotted(path: Path) -> str:
    return shown(".".join(str(step) for step in path))
