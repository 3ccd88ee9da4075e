"""A saved plan is read back, as far as its document goes: to be shown, compared, approved.

It is never executed: it may come from a job that ran somebody else's code. So nothing is believed
that can be computed: what came and went in a field follows from before and after, and a document
whose digest is not that of its own effects is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from pydantic import ValidationError

from reconciler.errors import PlanFileInvalid
from reconciler.model.canonical import Document
from reconciler.model.source import Problem, Revision, SourceRef
from reconciler.planning.diff import FIELD_NAMES, field_change
from reconciler.planning.drift import Drift
from reconciler.planning.plan import (
    Adoption,
    Base,
    Change,
    FieldChange,
    MaintenanceItem,
    Plan,
    Refusal,
    SecretEffect,
    Target,
    Unmanaged,
)
from reconciler.render.json_form import FORMAT_VERSION
from reconciler.render.plan_schema import (
    AdoptionForm,
    BaseForm,
    ChangeForm,
    DiagnosticForm,
    DriftForm,
    FieldForm,
    MaintenanceForm,
    PlanForm,
    SecretForm,
)
from reconciler.render.review_file import review_of, source_of

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})", re.ASCII)
_AGAIN = "make it again with keyrec plan -o"


def read_plan(text: str, *, name: str) -> Plan:
    """Read a saved plan; `name` is how the file is called in an error.

    Raises:
        PlanFileInvalid: it is not a plan of keyrec, of another major version, damaged, or its
            digest is not the digest of what it says.
    """
    _check_version(_decoded(text, name), name)
    try:
        form = PlanForm.model_validate_json(text)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise _damaged(name, f"{place} is not as it should be") from None
    plan = _plan(form)
    if plan.digest != form.digest:
        raise PlanFileInvalid(
            f"{name} was changed after it was made: its digest is not the digest of its changes",
            advice=f"do not apply it; {_AGAIN}, and find out who changed it",
        )
    return plan


def _decoded(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        raise _damaged(name, "it is not readable JSON") from None
    if not isinstance(document, dict) or not _is_ours(document):
        raise PlanFileInvalid(
            f"{name} is not a plan of keyrec",
            advice="give a file that keyrec plan -o has written",
        )
    return document


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: readers would not agree which one counts."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice")
    return document


def _is_ours(document: dict[str, Any]) -> bool:
    tool = document.get("tool")
    return isinstance(tool, dict) and tool.get("name") == "keyrec" and "digest" in document


def _check_version(document: dict[str, Any], name: str) -> None:
    match = _VERSION.fullmatch(str(document.get("format_version")))
    if match is None:
        raise _damaged(name, "its format_version is missing or no version")
    if match[1] != FORMAT_VERSION.partition(".")[0]:
        raise PlanFileInvalid(
            f"{name} has plan format {match[0]}, this program reads {FORMAT_VERSION}",
            advice=f"read it with the keyrec that wrote it, or {_AGAIN}",
        )


def _damaged(name: str, what: str) -> PlanFileInvalid:
    return PlanFileInvalid(f"{name} is damaged: {what}", advice=_AGAIN)


def _plan(form: PlanForm) -> Plan:
    return Plan(
        manager=form.manager,
        now=form.created_at,
        target=Target(
            store_id=form.target.store_id,
            sink_id=form.target.sink_id,
            custody=form.target.custody,
        ),
        revision=Revision(commit=form.source.commit, dirty=form.source.dirty),
        manifest_digest=form.source.manifest_digest,
        changes=tuple(_change(change) for change in form.changes),
        maintenance=tuple(_maintenance(item) for item in form.maintenance),
        drift=tuple(_drift(drift) for drift in form.drift),
        unchanged=form.summary.get("unchanged", 0),
        unmanaged=tuple(Unmanaged(address=u.address, manager=u.manager) for u in form.unmanaged),
        refusals=tuple(_refusal(d) for d in form.diagnostics if d.kind == "refusal"),
        problems=tuple(_problem(d) for d in form.diagnostics if d.kind == "problem"),
        notes=tuple(d.message for d in form.diagnostics if d.kind == "note"),
        removal_count=form.removal_count,
        selection=tuple(form.selection),
        review=review_of(
            (((c.kind == "key", c.address), c.access) for c in form.changes),
            form.findings,
            form.fail_on,
        ),
    )


def _change(form: ChangeForm) -> Change:
    return Change(
        address=form.address,
        actions=tuple(form.actions),
        reason=form.reason,
        is_key=form.kind == "key",
        workspace=form.workspace,
        previous_address=form.previous_address,
        source=source_of(form.source),
        base=None if form.base is None else _base(form.base),
        fields=_fields(form.fields, is_key=form.kind == "key"),
        secret=None if form.secret is None else _secret(form.secret),
        adoption=None if form.adoption is None else _adoption(form.adoption),
        last_characters=form.last_characters,
        removal=form.removal,
    )


def _base(form: BaseForm) -> Base:
    return Base(record_version=form.record_version, fingerprint=form.fingerprint)


def _fields(forms: dict[str, FieldForm], *, is_key: bool) -> tuple[FieldChange, ...]:
    """Give the fields in the planner's order, which JSON does not keep."""
    shown = list(FIELD_NAMES.values()) if is_key else []
    names = sorted(forms, key=lambda n: (shown.index(n) if n in shown else len(shown), n))
    return tuple(_field(name, forms[name]) for name in names)


def _field(name: str, form: FieldForm) -> FieldChange:
    return field_change(name, cast("Document", form.before), cast("Document", form.after))


def _secret(form: SecretForm) -> SecretEffect:
    return SecretEffect(
        path=form.path,
        from_version=form.from_version,
        ends=form.action == "end",
        left_path=form.left_path,
        previous_works_for=form.previous_works_for,
        adopts=form.adopts,
    )


def _adoption(form: AdoptionForm) -> Adoption:
    return Adoption(former_manager=form.former_manager)


def _maintenance(form: MaintenanceForm) -> MaintenanceItem:
    return MaintenanceItem(
        address=form.address,
        kind=form.kind,
        reason=form.reason,
        version_id=form.version_id,
        operation_id=form.operation_id,
        path=form.path,
        sink_version=form.sink_version,
        due_since=form.due_since,
        workspace=form.workspace,
    )


def _drift(form: DriftForm) -> Drift:
    return Drift(
        kind=form.kind,
        address=form.address,
        workspace=form.workspace,
        key_id=form.key_id,
        path=form.path,
        recorded=form.recorded_version,
        seen=form.seen_version,
        holding=form.holding,
    )


def _refusal(form: DiagnosticForm) -> Refusal:
    return Refusal(
        code=form.code,
        message=form.message,
        advice=form.advice,
        address=form.address,
        source=source_of(form.source),
    )


def _problem(form: DiagnosticForm) -> Problem:
    return Problem(
        where=source_of(form.source) or SourceRef(file="", line=1, column=1),
        code=form.code,
        message=form.message,
        advice=form.advice,
        snippet=form.snippet,
    )
