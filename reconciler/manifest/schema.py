"""Which kinds of manifest there are, and whether one document is of its kind.

What a field may hold stands in `schema_texts`, `schema_values` and `schema_lists`; which fields a
kind has in `schema_keys`, `schema_removals`, `schema_shared` and `schema_policy`. How documents fit
together is decided in `rules`.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Final, TypeAlias

from pydantic import ValidationError

from reconciler.manifest.closest import listed, suggestion
from reconciler.manifest.codes import Code
from reconciler.manifest.schema_keys import ApiKeyWire
from reconciler.manifest.schema_policy import PolicyWire
from reconciler.manifest.schema_removals import KeyRemovalWire
from reconciler.manifest.schema_shared import NetworkSetWire, ScopeCatalogWire, WorkspaceWire
from reconciler.manifest.schema_waivers import WaiverWire
from reconciler.manifest.snippets import quoted
from reconciler.manifest.tree import Document, Fault, Path, Unreadable
from reconciler.manifest.wording import faults_of

Wired: TypeAlias = (
    ApiKeyWire
    | WorkspaceWire
    | NetworkSetWire
    | ScopeCatalogWire
    | KeyRemovalWire
    | PolicyWire
    | WaiverWire
)

KINDS: Final[dict[str, type[Wired]]] = {
    "ApiKey": ApiKeyWire,
    "Workspace": WorkspaceWire,
    "NetworkSet": NetworkSetWire,
    "ScopeCatalog": ScopeCatalogWire,
    "KeyRemoval": KeyRemovalWire,
    "Policy": PolicyWire,
    "Waiver": WaiverWire,
}


_NEEDED: Final[frozenset[Path]] = frozenset(
    {("metadata", "name"), ("metadata", "workspace"), ("spec", "environment"), ("spec", "secret")}
    | {("spec", "secret", "path")}
)
"""Fields without which a document would stand for another thing than it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which thing a document declares, as far as can be told, also where it is refused."""

    kind: str
    name: str
    workspace: str | None = None

    def __str__(self) -> str:
        """Give `ApiKey payments/billing-sync-prod`."""
        place = "" if self.workspace is None else f"{self.workspace}/"
        return f"{self.kind} {place}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the schema says about one document."""

    identity: Identity | None
    wire: Wired | None
    """Where a few fields are at fault: the rest of the document, for rules across documents."""
    faults: tuple[Fault, ...] = ()


def judge(document: Document) -> Judged:
    """Read one document as what its `kind` says."""
    tree = document.tree
    if not isinstance(tree, dict):
        return Judged(identity=None, wire=None, faults=_not_a_manifest(tree))
    kind = tree.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return Judged(identity=None, wire=None, faults=_kind_faults(kind))
    try:
        wire = model.model_validate(tree)
    except ValidationError as error:
        faults = faults_of(error, model)
        return Judged(identity=_identity(tree), wire=_rest(tree, model, faults), faults=faults)
    return Judged(identity=_identity(tree), wire=wire)


def _rest(tree: dict[str, object], model: type[Wired], faults: tuple[Fault, ...]) -> Wired | None:
    """Read a key without its faulty fields; None where it means nothing without them.

    Other kinds are not read so: what keys refer to would seem to be there in part.
    """
    if model is not ApiKeyWire:
        return None
    rest = deepcopy(tree)
    for fault in sorted(faults, key=lambda fault: str(fault.path), reverse=True):
        if not fault.path or fault.path in _NEEDED or not _drop(rest, fault.path):
            return None
    try:
        return model.model_validate(rest)
    except ValidationError:
        return None


def _drop(tree: object, path: Path) -> bool:
    """Take a field out of a mapping; False where it is not there, or stands in a list."""
    for step in path[:-1]:
        if isinstance(tree, dict) and step in tree:
            tree = tree[step]
        else:
            return False
    if not isinstance(tree, dict) or path[-1] not in tree:
        return False
    del tree[path[-1]]
    return True


def _identity(tree: dict[str, object]) -> Identity | None:
    metadata = tree.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return None
    workspace = metadata.get("workspace")
    return Identity(
        kind=str(tree["kind"]),
        name=metadata["name"],
        workspace=workspace if isinstance(workspace, str) else None,
    )


def _not_a_manifest(tree: object) -> tuple[Fault, ...]:
    if isinstance(tree, Unreadable):
        return ()
    fault = Fault(
        path=(),
        code=Code.NOT_A_MANIFEST,
        message=f"a manifest is a mapping, not {quoted(tree)}",
        advice="start with apiVersion: keyrec/v1 and kind: ApiKey",
    )
    return (fault,)


def _kind_faults(kind: object) -> tuple[Fault, ...]:
    if isinstance(kind, Unreadable):
        return ()
    if kind is None:
        code, message = Code.MISSING_FIELD, "kind is missing"
        advice = f"add kind: and one of {listed(KINDS)}"
    elif kind == "Config":
        code, message = Code.CONFIG_AMONG_MANIFESTS, "a Config is no manifest"
        advice = "keep it as keyrec.yaml, outside of the folders that it names under manifests"
    else:
        code, message = Code.UNKNOWN_KIND, f"there is no kind {quoted(kind)}"
        advice = suggestion(str(kind), KINDS, otherwise=f"there are {listed(KINDS)}")
    return (Fault(path=("kind",), code=code, message=message, advice=advice),)
