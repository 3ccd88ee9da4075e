"""Which JSON Schemas there are, by the names that people call them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import UsageError
from reconciler.manifest.json_schema import ALL_KINDS, schema_text, schemas
from reconciler.render.plan_schema import plan_schema

_SUFFIX = ".schema.json"
_PLAN = f"plan{_SUFFIX}"


def all_schemas() -> dict[str, str]:
    """Give the text of every schema by file name, as `schemas/v1/` holds them."""
    return {name: schema_text(s) for name, s in {**schemas(), _PLAN: plan_schema()}.items()}


def named_schemas(name: str | None, *, everything: bool) -> dict[str, str]:
    """Give the named schema; without a name that of all manifests, or each of them.

    Raises:
        UsageError: there is none of that name.
    """
    known = all_schemas()
    if name is None:
        return known if everything else {ALL_KINDS: known[ALL_KINDS]}
    asked = _plain(name)
    for file, text in known.items():
        if _plain(file) == asked:
            return {file: text}
    listed = ", ".join(file.removesuffix(_SUFFIX) for file in known)
    raise UsageError(f"There is no schema {name!r}.", advice=f"There are {listed}.")


def write_schemas(found: Mapping[str, str], folder: str) -> tuple[str, ...]:
    """Write them into a folder and give their paths.

    Raises:
        UsageError: the folder cannot be written to.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file, text in found.items():
            (place / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written to: {error.strerror}.", advice="Check --out."
        ) from None
    return tuple(str(place / file) for file in found)


def _plain(name: str) -> str:
    """Level the ways to write a kind: ApiKey, api-key, api-key.schema.json."""
    return name.removesuffix(_SUFFIX).replace("-", "").lower()
