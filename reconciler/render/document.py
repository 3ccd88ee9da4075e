"""A plan as JSON, for other programs and for a later approval.

Compatibility: `format_version` 1.x. A minor version only adds fields, which readers ignore; a
major one is refused. The same plan gives the same bytes. The reference is
`docs/reference/plan-json.md`, the schema `schemas/v1/plan.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler import __version__
from reconciler.model.canonical import instant
from reconciler.model.verdict import Assessment
from reconciler.planning.plan import (
    Adoption,
    Base,
    Change,
    FieldChange,
    MaintenanceItem,
    Plan,
    SecretEffect,
)
from reconciler.render.drift import drift_document
from reconciler.render.json_form import FORMAT_VERSION, json_parts, source_document
from reconciler.render.report import report_json
from reconciler.render.review_document import access_document, finding_document, kind_word
from reconciler.render.reviewed import assessments_of

__all__ = ["plan_document", "plan_json", "plan_json_parts", "report_json"]


def plan_json(plan: Plan) -> str:
    """Write a plan, deterministic to the byte."""
    return "".join(plan_json_parts(plan))


def plan_json_parts(plan: Plan) -> Iterator[str]:
    """Write a plan part by part: of many changes there is never more than one."""
    return json_parts(_values(plan))


def plan_document(plan: Plan) -> dict[str, object]:
    """Give a plan as plain values. None of them can hold a secret: no type of a plan does."""
    return {n: list(v) if isinstance(v, Iterator) else v for n, v in _values(plan).items()}


def _values(plan: Plan) -> dict[str, object]:
    """Give a plan's values; those of which there may be very many come one by one."""
    return {
        "format_version": FORMAT_VERSION,
        "tool": {"name": "keyrec", "version": __version__},
        "created_at": instant(plan.now),
        "manager": plan.manager,
        "source": {
            "commit": plan.revision.commit,
            "dirty": plan.revision.dirty,
            "manifest_digest": plan.manifest_digest,
        },
        "target": {
            "store_id": plan.target.store_id,
            "sink_id": plan.target.sink_id,
            "custody": plan.target.custody,
        },
        "digest": plan.digest,
        "summary": plan.summary,
        "changes": (
            _change_document(change, assessment)
            for change, assessment in zip(plan.changes, assessments_of(plan), strict=True)
        ),
        "maintenance": [_maintenance_document(item) for item in plan.maintenance],
        "drift": [drift_document(drift) for drift in plan.drift],
        "findings": (finding_document(finding) for finding in plan.review.findings),
        "fail_on": plan.review.fail_on.value,
        "diagnostics": list(_diagnostics(plan)),
        "applyable": plan.is_applyable,
        "errored": bool(plan.problems),
        "selection": list(plan.selection),
        "unmanaged": [{"address": u.address, "manager": u.manager} for u in plan.unmanaged],
        "removal_count": plan.removal_count,
    }


def _change_document(change: Change, assessment: Assessment | None) -> dict[str, object]:
    base = change.base
    return {
        "kind": kind_word(is_key=change.is_key),
        "address": change.address,
        "previous_address": change.previous_address,
        "workspace": change.workspace,
        "actions": [action.value for action in change.actions],
        "reason": change.reason.value,
        "removal": change.removal,
        "last_characters": change.last_characters,
        "source": source_document(change.source),
        "base": None if base is None else _base_document(base),
        "fields": {field.name: _field_document(field) for field in change.fields},
        "secret": None if change.secret is None else _secret_document(change.secret),
        "verdict": None if assessment is None else assessment.verdict.value,
        "access": access_document(assessment),
        **_adoption_document(change.adoption),
    }


def _adoption_document(adoption: Adoption | None) -> dict[str, object]:
    """Give what minor version 1.1 added, only where a key is adopted."""
    return {} if adoption is None else {"adoption": {"former_manager": adoption.former_manager}}


def _base_document(base: Base) -> dict[str, object]:
    return {"record_version": base.record_version, "fingerprint": base.fingerprint}


def _field_document(field: FieldChange) -> dict[str, object]:
    return {
        "before": field.before,
        "after": field.after,
        "added": list(field.added),
        "removed": list(field.removed),
    }


def _secret_document(secret: SecretEffect) -> dict[str, object]:
    return {
        "action": "end" if secret.ends else "renew",
        "path": secret.path,
        "from_version": secret.from_version,
        "left_path": secret.left_path,
        "previous_works_for": secret.previous_works_for,
        **({} if secret.adopts is None else {"adopts": secret.adopts}),
    }


def _maintenance_document(item: MaintenanceItem) -> dict[str, object]:
    return {
        "address": item.address,
        "workspace": item.workspace,
        "kind": item.kind.value,
        "reason": None if item.reason is None else item.reason.value,
        "version_id": item.version_id,
        "operation_id": item.operation_id,
        "path": item.path,
        "sink_version": item.sink_version,
        "due_since": instant(item.due_since),
    }


def _diagnostics(plan: Plan) -> Iterator[dict[str, object]]:
    """Give problems and refusals, which stop the plan, and notes, which do not."""
    for problem in plan.problems:
        yield {
            "kind": "problem",
            "severity": "error",
            "code": problem.code,
            "message": problem.message,
            "advice": problem.advice,
            "address": None,
            "source": source_document(problem.where),
            "snippet": problem.snippet,
        }
    for refusal in plan.refusals:
        yield {
            "kind": "refusal",
            "severity": "error",
            "code": refusal.code,
            "message": refusal.message,
            "advice": refusal.advice,
            "address": refusal.address,
            "source": source_document(refusal.source),
            "snippet": "",
        }
    for note in plan.notes:
        yield _note_document(note)


def _note_document(note: str) -> dict[str, object]:
    return {
        "kind": "note",
        "severity": "note",
        "code": "note",
        "message": note,
        "advice": "",
        "address": None,
        "source": None,
        "snippet": "",
    }
