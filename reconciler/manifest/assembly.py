"""All documents of one revision, side by side with what the store holds.

The rule that lives here: what manifests are judged against. Declared things come first, then the
store's; without a store (`validate`) what is not declared is simply not known, and nothing is
refused for its absence. A declared document that was itself refused still counts as declared, so
that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.manifest.declared import DeclaredKey
from reconciler.manifest.defaults import KeyDraft, draft_key
from reconciler.manifest.schema import Identity, Wired
from reconciler.manifest.schema_policy import PolicyWire
from reconciler.manifest.schema_shared import NetworkSetWire, ScopeCatalogWire, WorkspaceWire
from reconciler.manifest.tree import Path
from reconciler.manifest.wired import catalog_of, network_of, policy_of, workspace_of
from reconciler.model.policy import Policy
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog
from reconciler.model.source import FieldPlace, SourceRef
from reconciler.model.states import ObservedState
from reconciler.model.workspaces import NetworkSet, Workspace

_Wire = TypeVar("_Wire")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store holds that manifests may refer to, and are judged by."""

    workspaces: Mapping[str, Workspace] = field(default_factory=dict)
    networks: tuple[NetworkSet, ...] = ()
    catalog: ScopeCatalog = BUILT_IN_CATALOG
    policy: Policy = field(default_factory=Policy)


def known_from(observed: ObservedState) -> Known:
    """Take from an observed state what manifests are judged against."""
    return Known(
        workspaces=observed.workspaces,
        networks=observed.networks,
        catalog=observed.catalog,
        policy=observed.policy,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One document, without its text: what it declares and where it stands."""

    source: SourceRef
    ordinal: int
    """Which document of its file, from 0, not counting empty ones."""
    identity: Identity | None
    wire: DeclaredKey | Wired | None
    """None where the schema refused it; without its refused fields where it refused some."""
    refused_fields: tuple[Path, ...] = ()
    """What is refused already, and not refused again by rules across documents."""
    places: tuple[FieldPlace, ...] = ()
    """Of single fields of a key (`alone.PLACED_FIELDS`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """Everything that rules across documents look at."""

    declarations: tuple[Declaration, ...]
    """In order of file and line."""
    drafts: tuple[tuple[Declaration, KeyDraft], ...]
    """Declared keys that the schema accepts, with their defaults filled in."""
    workspaces: Mapping[str, Workspace]
    networks: Mapping[tuple[str | None, str], NetworkSet]
    """By workspace (None: for all) and name."""
    catalog: ScopeCatalog
    policy: Policy
    """The stored one; without a store the declared one, else the default."""
    known: Known | None
    refused: frozenset[Identity]
    """Things whose documents the schema refused: they count as declared."""

    def declared(self, wire: type[_Wire]) -> Iterator[tuple[Declaration, _Wire]]:
        """Give all accepted documents of one kind."""
        for declaration in self.declarations:
            if isinstance(declaration.wire, wire):
                yield declaration, declaration.wire

    def is_refused(self, kind: str, name: str, workspace: str | None = None) -> bool:
        """Whether there is a document of that identity which the schema refused."""
        return bool(self.refused) and (
            Identity(kind=kind, name=name, workspace=workspace) in self.refused
        )

    def network(self, name: str, workspace: str) -> NetworkSet | None:
        """Find the network that a name means in a workspace: its own first, then one for all."""
        return self.networks.get((workspace, name)) or self.networks.get((None, name))


def assemble(declarations: tuple[Declaration, ...], known: Known | None) -> Assembly:
    """Put documents beside what the store holds."""
    wires = [d.wire for d in declarations]
    stored = Known() if known is None else known
    workspaces = {
        **stored.workspaces,
        **{w.metadata.name: workspace_of(w) for w in wires if isinstance(w, WorkspaceWire)},
    }
    networks = [*stored.networks, *(network_of(w) for w in wires if isinstance(w, NetworkSetWire))]
    policy = _policy(wires, known)
    return Assembly(
        declarations=declarations,
        drafts=tuple(
            (d, draft_key(d.wire, workspaces.get(d.wire.workspace), policy.sink.path))
            for d in declarations
            if isinstance(d.wire, DeclaredKey)
        ),
        workspaces=workspaces,
        networks={(n.workspace, n.name): n for n in networks},
        catalog=_catalog(wires, stored),
        policy=policy,
        known=known,
        refused=frozenset(d.identity for d in declarations if d.wire is None and d.identity),
    )


def _catalog(wires: list[DeclaredKey | Wired | None], stored: Known) -> ScopeCatalog:
    """Give the declared catalogue over the built-in one; the stored one where none is declared."""
    declared = next((w for w in wires if isinstance(w, ScopeCatalogWire)), None)
    return stored.catalog if declared is None else BUILT_IN_CATALOG.extended(catalog_of(declared))


def _policy(wires: list[DeclaredKey | Wired | None], known: Known | None) -> Policy:
    if known is not None:
        return known.policy
    declared = next((w for w in wires if isinstance(w, PolicyWire)), None)
    return Policy() if declared is None else policy_of(declared, Policy())
