"""What has to be written into a manifest to take something under management.

Nothing is taken over here: the manifest is, by a plan that somebody looks at. Only reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.apply.effects import recorded_version
from reconciler.apply.prepare import target_of
from reconciler.bootstrap.exporting import readable
from reconciler.bootstrap.wishes import PlanWish
from reconciler.bootstrap.workplace import Workplace
from reconciler.errors import ManifestsInvalid, NotFound
from reconciler.manifest.printed import key_file
from reconciler.model.journal import PathRow
from reconciler.model.keys import KeyAddress, KeyRecord, KeySpec
from reconciler.model.states import ForeignRecord, ObservedState
from reconciler.ports import ManifestFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRecord:
    """A key that is in the store for another manager, or for nobody."""

    address: KeyAddress
    manager: str | None
    file: ManifestFile
    """Its manifest, marked to be adopted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPath:
    """Where the next secret of a key of ours goes."""

    path: str
    seen: int
    """Its version in the sink; 0 where nothing is there."""
    known: int
    """The version that the store knows; 0 where nothing was ever written."""
    is_used: bool
    """Whether this version was adopted before: a permission is used once."""
    is_busy: bool
    """Whether a secret is being made there, or was when a run was killed."""
    manifest: str | None
    """File and line of the key's manifest, where it is known."""

    @property
    def is_known(self) -> bool:
        """Whether the next secret can be written without any permission."""
        return self.seen in {0, self.known}


Found: TypeAlias = FoundRecord | FoundPath


def look_for(place: Workplace, address: KeyAddress) -> Found:
    """Give what stands under an address: a record of others, or our own key's path in the sink.

    Raises:
        NotFound: nobody has such a key, and no manifest declares it.
        KeyrecError: store, manifests or sink cannot be read.
    """
    observed = place.observe()
    foreign = next((f for f in observed.foreign if f.address == address), None)
    if foreign is not None:
        return _record(place, foreign)
    record = observed.live.get(address)
    spec = _declared(place, address, is_stored=record is not None)
    if record is None and spec is None:
        raise NotFound(
            f"There is no key {address}.", advice="`keyrec plan -v` lists what others have."
        )
    return _path(place, observed, record, spec)


def _record(place: Workplace, foreign: ForeignRecord) -> FoundRecord:
    observed = place.store.observe(place.settings.manager, whole=frozenset({foreign.address}))
    record = next(f.record for f in observed.foreign if f.address == foreign.address)
    if record is None:
        raise AssertionError("a record that is asked for is given whole")
    (file,) = readable((key_file(record, observed),))
    return FoundRecord(address=foreign.address, manager=foreign.manager, file=file)


def _declared(place: Workplace, address: KeyAddress, *, is_stored: bool) -> KeySpec | None:
    """Give the key's manifest; for a stored key none while the manifests cannot be read."""
    try:
        keys = place.prepare(PlanWish()).request.desired.keys
    except ManifestsInvalid:
        if not is_stored:
            raise
        return None
    return next((spec for spec in keys if spec.address == address), None)


def _path(
    place: Workplace, observed: ObservedState, record: KeyRecord | None, spec: KeySpec | None
) -> FoundPath:
    path = _sink_path(record, spec)
    spot = (target_of(observed).sink_id, path)
    row = next((r for r in observed.paths if (r.sink_id, r.path) == spot), None)
    seen = place.version_at(path, observed)
    return FoundPath(
        path=path,
        seen=seen,
        known=_known(record, row, path, seen),
        is_used=row is not None and row.adopted_version == seen,
        is_busy=any((o.sink_id, o.sink_path) == spot for o in observed.operations),
        manifest=None if spec is None else f"{spec.source.file}:{spec.source.line}",
    )


def _sink_path(record: KeyRecord | None, spec: KeySpec | None) -> str:
    """Give where the key's next secret goes."""
    if spec is not None:
        return spec.fields.sink_path
    if record is None:
        raise AssertionError("a key is declared or stored")
    return record.fields.sink_path


def _known(record: KeyRecord | None, row: PathRow | None, path: str, seen: int) -> int:
    """Give the version that the store knows; the current secret's where that is the one seen."""
    if record is not None and recorded_version(record, path) == seen:
        return seen
    return 0 if row is None else row.last_version
