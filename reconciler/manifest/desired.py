"""Manifest files to the desired state, or to all their problems.

The rule that lives here: one problem is enough to have no desired state; a desired state is the
same whatever the order of files and documents. What is wrong is found in `judging`, defaults are
filled in by `defaults`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from reconciler.manifest.aids import UNAIDED, Aids
from reconciler.manifest.alone import in_order
from reconciler.manifest.assembly import Assembly, Declaration, Known
from reconciler.manifest.defaults import KeyDraft
from reconciler.manifest.files import manifest_digest
from reconciler.manifest.judging import Judgement, judge_files
from reconciler.manifest.ranges import collapsed
from reconciler.manifest.schema_lists import NETWORK_PREFIX
from reconciler.manifest.schema_policy import PolicyWire
from reconciler.manifest.schema_removals import KeyRemovalWire
from reconciler.manifest.schema_shared import NetworkSetWire, ScopeCatalogWire, WorkspaceWire
from reconciler.manifest.schema_waivers import WaiverWire
from reconciler.manifest.wired import (
    catalog_of,
    network_of,
    policy_of,
    waiver_of,
    workspace_of,
)
from reconciler.model.keys import KeyAddress, KeyFields, KeyRemoval, KeySpec, Rotation
from reconciler.model.lifetime import Retirement
from reconciler.model.policy import Policy
from reconciler.model.resources import Body
from reconciler.model.scopes import ScopeGrant
from reconciler.model.source import Problem, Revision
from reconciler.model.states import DeclaredResource, DesiredState
from reconciler.ports import ManifestFile

_KEPT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where manifests are from."""

    revision: Revision
    manifest_digest: str
    """As `DesiredState`."""


def read_desired(
    files: Iterable[ManifestFile],
    *,
    manager: str,
    known: Known | None = None,
    revision: Revision | None = None,
    environments: Sequence[str] = (),
    aids: Aids = UNAIDED,
) -> DesiredState | tuple[Problem, ...]:
    """Give what the files declare, or everything that is wrong with them, sorted.

    `known` is what the store holds (`assembly.known_from`); without it (offline) nothing is
    refused for being declared nowhere. `environments`, where given, keeps only the keys of these;
    all others are judged all the same. `aids` make it faster.
    """
    ordered = in_order(files)
    judgement = judge_files(ordered, known, aids)
    origin = Origin(revision=revision or Revision(), manifest_digest=manifest_digest(ordered))
    return desired_of(judgement, origin, manager=manager, environments=environments)


def desired_of(
    judgement: Judgement, origin: Origin, *, manager: str, environments: Sequence[str] = ()
) -> DesiredState | tuple[Problem, ...]:
    """Give what judged files declare; else as `read_desired`. Their bytes may be gone."""
    if judgement.problems:
        return judgement.problems
    assembly = judgement.assembly
    return DesiredState(
        manager=manager,
        keys=_keys(assembly, frozenset(environments)),
        removals=_removals(assembly),
        resources=_resources(assembly),
        revision=origin.revision,
        manifest_digest=origin.manifest_digest,
    )


def _keys(assembly: Assembly, environments: frozenset[str]) -> tuple[KeySpec, ...]:
    kept = (
        _spec(declaration, draft, assembly)
        for declaration, draft in assembly.drafts
        if not environments or draft.declared.environment in environments
    )
    return tuple(sorted(kept, key=lambda spec: spec.address.order))


def _spec(declaration: Declaration, draft: KeyDraft, assembly: Assembly) -> KeySpec:
    return KeySpec(
        address=draft.address,
        fields=_fields(draft, assembly),
        source=declaration.source,
        previous_name=draft.declared.previous_name,
        adopts_record=draft.declared.adopts_record,
        adopts_version=draft.declared.adopts_version,
        places=declaration.places,
    )


def _fields(draft: KeyDraft, assembly: Assembly) -> KeyFields:
    key = draft.declared
    return KeyFields(
        environment=key.environment,
        sink_path=draft.sink_path,
        scopes=_grants(key.scopes),
        allowlist=draft.allowlist,
        ranges=_ranges(draft, assembly),
        expiration=draft.expiration,
        active=key.active,
        protected=key.protected,
        rotation=_rotation(key.generation, draft.every, draft.overlap, key.retire),
        reissue=key.reissue,
        owner=draft.owner,
        description=key.description,
        labels=key.labels,
    )


@lru_cache(maxsize=_KEPT)
def _grants(scopes: tuple[tuple[str, str], ...]) -> tuple[ScopeGrant, ...]:
    """Give equal grants once: many keys are alike in them."""
    return tuple(ScopeGrant(resource=r, level=level) for r, level in sorted(scopes))


@lru_cache(maxsize=_KEPT)
def _rotation(
    generation: int, every: timedelta | None, overlap: timedelta, retire: Retirement
) -> Rotation:
    """Give equal rotations once."""
    return Rotation(generation=generation, every=every, overlap=overlap, retire=retire)


def _ranges(draft: KeyDraft, assembly: Assembly) -> tuple[str, ...] | None:
    """Resolve the allowlist's networks; offline an unknown one stands for no range at all."""
    if draft.allowlist is None:
        return None
    ranges: list[str] = []
    for entry in draft.allowlist:
        name = entry.removeprefix(NETWORK_PREFIX)
        if name == entry:
            ranges.append(entry)
        else:
            network = assembly.network(name, draft.address.workspace)
            ranges.extend(() if network is None else network.ranges)
    return collapsed(tuple(ranges))


def _removals(assembly: Assembly) -> tuple[KeyRemoval, ...]:
    found = (
        KeyRemoval(
            address=KeyAddress(workspace=wire.metadata.workspace, name=wire.metadata.name),
            reason=wire.spec.reason,
            source=declaration.source,
        )
        for declaration, wire in assembly.declared(KeyRemovalWire)
    )
    return tuple(sorted(found, key=lambda removal: removal.address))


def _resources(assembly: Assembly) -> tuple[DeclaredResource, ...]:
    found = (DeclaredResource(body=body, source=d.source) for d, body in _bodies(assembly))
    return tuple(sorted(found, key=lambda resource: str(resource.address)))


def _bodies(assembly: Assembly) -> Iterator[tuple[Declaration, Body]]:
    stored = Policy() if assembly.known is None else assembly.known.policy
    for declaration in assembly.declarations:
        match declaration.wire:
            case WorkspaceWire() as wire:
                yield declaration, workspace_of(wire)
            case NetworkSetWire() as wire:
                yield declaration, network_of(wire)
            case ScopeCatalogWire() as wire:
                yield declaration, catalog_of(wire)
            case PolicyWire() as wire:
                yield declaration, policy_of(wire, stored)
            case WaiverWire() as wire:
                yield declaration, waiver_of(wire)
            case _:
                pass
