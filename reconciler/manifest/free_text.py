"""No secret in what people write freely: owners, descriptions, labels.

The rule that lives here: which fields are judged. What looks like a secret stands in
`secret_text`. A key of our own format is refused anywhere in a file, by `reading`; here it is
found where YAML's escapes hid it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.manifest.codes import Code
from reconciler.manifest.secret_text import find_tokens, looks_secret
from reconciler.manifest.tree import Fault, Path

_FIELDS: tuple[Path, ...] = (
    ("metadata", "owner"),
    ("metadata", "description"),
    ("spec", "defaults", "owner"),
)
_SILENT = frozenset({"owner", "description", "labels"})
"""Where none of these stands in its metadata, a key has no free text."""


def secret_faults(tree: Any, text: str) -> Iterator[Fault]:
    """Say which free texts of a document look like a secret, without repeating them.

    `text` is the file's text, in which the keys that stand openly were found before.
    """
    if isinstance(tree, dict) and tree.get("kind") == "ApiKey":
        metadata = tree.get("metadata")
        if isinstance(metadata, dict) and _SILENT.isdisjoint(metadata):
            return
    for path, value in _free_texts(tree):
        if looks_secret(value) and not any(t[0] in text for t in find_tokens(value)):
            yield Fault(
                path=path,
                code=Code.SECRET_LIKE,
                message="this looks like a secret",
                advice="take it out and replace it, for it is no secret any more; "
                "where it is none, write it in shorter words",
            )


def _free_texts(tree: Any) -> Iterator[tuple[Path, str]]:
    for path in _FIELDS:
        value = _at(tree, path)
        if isinstance(value, str):
            yield path, value
    labels = _at(tree, ("metadata", "labels"))
    if isinstance(labels, dict):
        for name, value in labels.items():
            if isinstance(value, str):
                yield ("metadata", "labels", name), value


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(step)
    return tree
