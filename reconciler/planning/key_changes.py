"""What the manifests change about one key.

`key_change` gives one `Change` with its actions in order, or None where nothing differs. Whether
the change is legal against the store is asked in `against_store`, whether it is safe in `guards`.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.keys import KeyFields, KeyRecord, KeySpec, fields_fingerprint
from reconciler.model.lifetime import format_duration
from reconciler.model.policy import Prune
from reconciler.planning.actions import Action, Reason
from reconciler.planning.diff import FieldsDiff
from reconciler.planning.pairing import Pair
from reconciler.planning.plan import Adoption, Base, Change, SecretEffect


def key_change(pair: Pair, prune: Prune) -> Change | None:
    """Say what is to be done to one key because of the manifests; None where it is as declared."""
    spec, record = pair.spec, pair.record
    if spec is None and record is not None:
        return _ended(pair, record, prune)
    if spec is not None and record is None:
        return _created(spec)
    if spec is not None and record is not None:
        return _altered(spec, record, pair.adoption)
    return None


def _created(spec: KeySpec) -> Change:
    adopts = spec.adopts_version
    return Change(
        address=str(spec.address),
        actions=(Action.CREATE,) if adopts is None else (Action.ADOPT, Action.CREATE),
        reason=Reason.DECLARED,
        workspace=spec.address.workspace,
        source=spec.source,
        fields=FieldsDiff(None, spec.fields),
        secret=SecretEffect(path=spec.fields.sink_path, from_version=None, adopts=adopts),
        spec=spec,
    )


def _altered(spec: KeySpec, record: KeyRecord, adoption: Adoption | None) -> Change | None:
    adopts = adoption is not None or spec.adopts_version is not None
    actions = ((Action.ADOPT,) if adopts else ()) + _actions(spec, record)
    if not actions:
        return None
    renamed = spec.address != record.address
    return Change(
        address=str(spec.address),
        actions=actions,
        reason=_reason(spec, record, actions),
        workspace=_owning_workspace(spec, adoption),
        previous_address=str(record.address) if renamed else None,
        source=spec.source,
        base=_base(record),
        fields=FieldsDiff(record.fields, spec.fields),
        secret=_secret_effect(spec, record, actions),
        adoption=adoption,
        last_characters=record.last_characters,
        spec=spec,
        record=record,
    )


def _owning_workspace(spec: KeySpec, adoption: Adoption | None) -> str | None:
    """Give whose admins may do it: what is another manager's is taken over by platform admins."""
    if adoption is not None and adoption.former_manager is not None:
        return None
    return spec.address.workspace


def _actions(spec: KeySpec, record: KeyRecord) -> tuple[Action, ...]:
    """Choose the actions beside an adoption, in the order in which they are shown and done."""
    old, new = record.fields, spec.fields
    if new.reissue > old.reissue:
        # A key that shall admit nobody does not go on doing so under its old id.
        ends = old.active and not new.active
        return (Action.REISSUE, Action.DEACTIVATE) if ends else (Action.REISSUE,)
    chosen = [Action.RENAME] if spec.address != record.address else []
    if old != new and _settings(old) != _settings(new):
        chosen.append(Action.UPDATE)
    if old.active != new.active:
        chosen.append(Action.ACTIVATE if new.active else Action.DEACTIVATE)
    if _needs_secret(spec, record):
        chosen.append(Action.ROTATE)
    return tuple(chosen)


def _settings(fields: KeyFields) -> KeyFields:
    """Give the fields with everything levelled that has an action of its own."""
    rotation = replace(fields.rotation, generation=1)
    return replace(fields, active=True, rotation=rotation, sink_path="", reissue=1)


def _needs_secret(spec: KeySpec, record: KeyRecord) -> bool:
    moved = spec.fields.sink_path != record.fields.sink_path
    return moved or _is_raised(spec, record) or spec.adopts_version is not None


def _reason(spec: KeySpec, record: KeyRecord, actions: tuple[Action, ...]) -> Reason:
    if Action.REISSUE in actions:
        return Reason.REISSUE_RAISED
    if Action.RENAME in actions:
        return Reason.RENAMED
    if _is_raised(spec, record):
        return Reason.GENERATION_RAISED
    if spec.fields.sink_path != record.fields.sink_path:
        return Reason.SINK_PATH_CHANGED
    return Reason.DECLARED if Action.ADOPT in actions else Reason.FIELDS_DIFFER


def _is_raised(spec: KeySpec, record: KeyRecord) -> bool:
    return spec.fields.rotation.generation > record.fields.rotation.generation


def _secret_effect(
    spec: KeySpec, record: KeyRecord, actions: tuple[Action, ...]
) -> SecretEffect | None:
    if Action.ROTATE not in actions and Action.REISSUE not in actions:
        return None
    current, old_path = record.current, record.fields.sink_path
    return SecretEffect(
        path=spec.fields.sink_path,
        from_version=None if current is None else current.sink_version,
        left_path=old_path if old_path != spec.fields.sink_path else None,
        previous_works_for=format_duration(spec.fields.rotation.overlap),
        adopts=spec.adopts_version,
    )


def _ended(pair: Pair, record: KeyRecord, prune: Prune) -> Change | None:
    if pair.removal is not None:
        return replace(
            _removed(record, Reason.REMOVAL_DECLARED, pair.removal.reason.value),
            source=pair.removal.source,
        )
    match prune:
        case Prune.REMOVE:
            return _removed(record, Reason.UNDECLARED, "undeclared")
        case Prune.DEACTIVATE if record.fields.active:
            return _deactivated(record)
        case _:
            return None


def _removed(record: KeyRecord, reason: Reason, removal: str) -> Change:
    current = record.current
    return Change(
        address=str(record.address),
        actions=(Action.REMOVE,),
        reason=reason,
        workspace=record.address.workspace,
        base=_base(record),
        fields=FieldsDiff(record.fields, None),
        secret=SecretEffect(
            path=record.fields.sink_path,
            from_version=None if current is None else current.sink_version,
            ends=True,
        ),
        last_characters=record.last_characters,
        removal=removal,
        record=record,
    )


def _deactivated(record: KeyRecord) -> Change:
    return Change(
        address=str(record.address),
        actions=(Action.DEACTIVATE,),
        reason=Reason.UNDECLARED,
        workspace=record.address.workspace,
        base=_base(record),
        fields=FieldsDiff(record.fields, replace(record.fields, active=False)),
        last_characters=record.last_characters,
        record=record,
    )


def _base(record: KeyRecord) -> Base:
    return Base(record_version=record.record_version, fingerprint=fields_fingerprint(record.fields))
