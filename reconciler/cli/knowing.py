"""What an explanation is told beside the key: who asks, what verifiers saw, the manifest's lines.

Each door that is not there leaves its part unsaid: an explanation needs the store alone.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.apply.authorization import may_change
from reconciler.apply.prepare import known_to
from reconciler.bootstrap.doors import open_source
from reconciler.bootstrap.workplace import Workplace
from reconciler.credentials.evidence import Asker, Evidence
from reconciler.credentials.explain import Explanation
from reconciler.errors import KeyrecError
from reconciler.manifest.desired import read_desired
from reconciler.manifest.line_changes import line_change
from reconciler.model.keys import KeyAddress, KeyRecord
from reconciler.model.line_change import LineChange, WantedField
from reconciler.model.states import DesiredState, ObservedState
from reconciler.model.workspaces import Principal
from reconciler.ports import ManifestFile


def evidence_of(place: Workplace, observed: ObservedState, record: KeyRecord | None) -> Evidence:
    """Give what is known of a key beside its row; nothing where it is not known whose it is."""
    if record is None:
        return Evidence()
    records = place.store.find(record.address)
    version_ids = frozenset(v.version_id for r in records for v in r.versions)
    return Evidence(
        records=records,
        marks=place.store.use_marks(version_ids),
        uses_until=observed.uses_until,
        asker=_asker(place, observed, record.address.workspace),
    )


def _asker(place: Workplace, observed: ObservedState, workspace: str) -> Asker:
    principal = _principal(place, observed)
    stored = observed.workspaces.get(workspace)
    return Asker(
        principal=principal,
        may_change=principal is not None and may_change(principal, workspace, observed),
        admins=() if stored is None else stored.admins,
    )


def _principal(place: Workplace, observed: ObservedState) -> Principal | None:
    try:
        return place.principal(observed)
    except KeyrecError:
        return None


def changes_of(
    place: Workplace, observed: ObservedState, explanation: Explanation
) -> Callable[[WantedField], LineChange | None] | None:
    """Give how to find the lines of the key's manifest; None where none is wanted or it is not at
    hand. Manifests are read only where a check that failed wants one changed.
    """
    checks = (*explanation.checks, *explanation.evidence)
    if explanation.address is None or not any(check.wanted for check in checks):
        return None
    try:
        files = tuple(open_source(place.settings).files())
    except KeyrecError:
        return None
    return _finder(files, observed, explanation.address)


def _finder(
    files: tuple[ManifestFile, ...], observed: ObservedState, address: KeyAddress
) -> Callable[[WantedField], LineChange | None] | None:
    desired = read_desired(files, manager=observed.manager, known=known_to(observed))
    keys = desired.keys if isinstance(desired, DesiredState) else ()
    spec = next((spec for spec in keys if spec.address == address), None)
    if spec is None:
        return None
    return lambda wanted: line_change(files, spec.source, wanted)
