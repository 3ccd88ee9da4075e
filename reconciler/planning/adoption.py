"""What the two marks of a manifest take under management, and when a mark means nothing any more.

`metadata.adopt` takes the live record of the key's address over from another manager, or from
nobody; `spec.secret.adopt` lets one version be written over that a stranger left at the key's sink
path. Marks stay in manifests: once they were used they mean nothing, like a `previousName`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.model.keys import KeyAddress, KeySpec
from reconciler.model.states import DesiredState, ForeignRecord, ObservedState
from reconciler.planning.plan import Target


def marked_addresses(desired: DesiredState) -> frozenset[KeyAddress]:
    """Give the addresses whose records may be taken over: those to observe whole."""
    return frozenset(spec.address for spec in desired.keys if spec.adopts_record)


def adoptable(desired: DesiredState, observed: ObservedState) -> dict[KeyAddress, ForeignRecord]:
    """Give the records of others that the manifests ask for."""
    marked = marked_addresses(desired)
    return {f.address: f for f in observed.foreign if f.address in marked}


def adopted_versions(observed: ObservedState, target: Target) -> dict[str, int]:
    """Give by path which version was last written over with permission."""
    return {
        row.path: row.adopted_version
        for row in observed.paths
        if row.sink_id == target.sink_id and row.adopted_version is not None
    }


def without_spent_mark(spec: KeySpec, adopted: Mapping[str, int]) -> KeySpec:
    """Give the spec without its permission to write over a version, where that was used before."""
    version = spec.adopts_version
    if version is None or adopted.get(spec.fields.sink_path) != version:
        return spec
    return replace(spec, adopts_version=None)


def unused_marks(desired: DesiredState, observed: ObservedState) -> Iterator[KeySpec]:
    """Give the specs that ask for a record which nobody has."""
    known = observed.live.keys() | {f.address for f in observed.foreign}
    for spec in desired.keys:
        if spec.adopts_record and spec.address not in known:
            yield spec
