"""One declared key as its manifest says it: read, judged by itself, and nothing filled in.

What a file's bytes say about keys, and nothing else: the same bytes give the same values whatever
stands beside them. Defaults are filled in by `defaults`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from reconciler.manifest.schema_keys import ApiKeyWire
from reconciler.model.lifetime import Expiration, Retirement


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredKey:
    """An `ApiKey` document; None where it is silent."""

    name: str
    workspace: str
    environment: str
    previous_name: str | None
    adopts_record: bool
    owner: str | None
    description: str | None
    labels: tuple[tuple[str, str], ...]
    """Sorted by name."""
    scopes: tuple[tuple[str, str], ...]
    """Resource and level, in the order of the manifest."""
    allowlist: tuple[str, ...] | None
    """Canonical ranges and `network:<name>`, in the order of the manifest."""
    expiration: Expiration | None
    active: bool
    protected: bool
    generation: int
    every: timedelta | None
    overlap: timedelta | None
    retire: Retirement
    reissue: int
    path: str | None
    adopts_version: int | None


def declared_key(wire: ApiKeyWire) -> DeclaredKey:
    """Take the values of a document that the schema accepts; its tree is not kept."""
    metadata, spec = wire.metadata, wire.spec
    rotation, secret = spec.rotation, spec.secret
    return DeclaredKey(
        name=metadata.name,
        workspace=metadata.workspace,
        environment=spec.environment,
        previous_name=metadata.previous_name,
        adopts_record=metadata.adopt,
        owner=metadata.owner,
        description=metadata.description,
        labels=_pairs(sorted(metadata.labels.items())),
        scopes=_pairs(spec.scopes.items()),
        allowlist=None if spec.allowlist is None else tuple(spec.allowlist),
        expiration=spec.expiration,
        active=spec.active,
        protected=spec.protected,
        generation=rotation.generation,
        every=rotation.every,
        overlap=rotation.overlap,
        retire=rotation.retire,
        reissue=spec.reissue,
        path=secret.path,
        adopts_version=secret.adopt,
    )


def _pairs(found: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(found)
