"""The typed effects of a plan, as a document and as the digest that approvals hold.

Compatibility: encoding `keyrec/effects/v1`. Approvals hold hashes of it, so any change of these
bytes is a new encoding name.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from reconciler.model.canonical import Document, canonical_bytes

if TYPE_CHECKING:
    from reconciler.planning.plan import Change, Plan, SecretEffect


def effects_digest(plan: Plan) -> str:
    """Give `sha256:` and the hash of the effects document, which is never there as a whole."""
    digest = hashlib.sha256(b'{"changes":[')
    for place, change in enumerate(plan.changes):
        digest.update(b"," if place else b"")
        digest.update(canonical_bytes(_effect(change)))
    digest.update(b"],")
    digest.update(canonical_bytes(_bound(plan))[1:])
    return f"sha256:{digest.hexdigest()}"


def effects_document(plan: Plan) -> Document:
    """Give what the digest covers."""
    return {**_bound(plan), "changes": [_effect(change) for change in plan.changes]}


def _bound(plan: Plan) -> dict[str, Document]:
    """Give what the effects are bound to; `changes` sorts before all of these names."""
    return {
        "encoding": "keyrec/effects/v1",
        "manager": plan.manager,
        "store": plan.target.store_id,
        "sink": plan.target.sink_id,
    }


def _effect(change: Change) -> Document:
    """Give one change; what came later than the encoding's name stands there only where it is."""
    effect: dict[str, Document] = {
        "address": change.address,
        "previousAddress": change.previous_address,
        "actions": [a.value for a in change.actions],
        "reason": change.reason.value,
        "base": None if change.base is None else change.base.fingerprint,
        "fields": {f.name: {"before": f.before, "after": f.after} for f in change.fields},
        "secret": None if change.secret is None else _secret_effect(change.secret),
        "removal": change.removal,
    }
    if change.adoption is not None:
        effect["adoption"] = {"formerManager": change.adoption.former_manager}
    return effect


def _secret_effect(secret: SecretEffect) -> Document:
    effect: dict[str, Document] = {
        "path": secret.path,
        "ends": secret.ends,
        "leftPath": secret.left_path,
        "previousWorksFor": secret.previous_works_for,
    }
    if secret.adopts is not None:
        effect["adopts"] = secret.adopts
    return effect
