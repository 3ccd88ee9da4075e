"""The form of a saved plan: what is read, and the JSON Schema that says so.

Compatibility: version 1.x of the document; fields are only added, with a default that means what
their absence meant. Unknown fields are ignored, so an older program reads a newer minor version.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from reconciler.manifest.json_schema import BASE, DIALECT
from reconciler.model.severity import Severity
from reconciler.model.verdict import Verdict
from reconciler.planning.actions import Action, MaintenanceKind, Reason
from reconciler.planning.drift import DriftKind, Holding
from reconciler.render.review_schema import AccessForm, FindingForm, SourceForm


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, use_attribute_docstrings=True)


def _without_floats(value: JsonValue) -> JsonValue:
    """Refuse numbers that the canonical form does not have."""
    if isinstance(value, float):
        raise ValueError("a field holds no fractions")  # noqa: TRY004 - pydantic wants ValueError
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _without_floats(part)
    return value


def _in_utc(moment: datetime) -> datetime:
    """Refuse an instant whose offset leads out of the calendar; the others mean the same."""
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("this is no instant") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
FieldValue = Annotated[JsonValue, AfterValidator(_without_floats)]
Count = Annotated[int, Field(ge=0)]


class ToolForm(_Form):
    """What wrote the document."""

    name: Literal["keyrec"]
    version: str


class RevisionForm(_Form):
    """Where the manifests came from."""

    commit: str | None
    """Full git commit id; null outside a repository."""
    dirty: bool
    """Whether the working tree differed from that commit."""
    manifest_digest: str
    """SHA-256 over paths and bytes of all manifest files."""


class TargetForm(_Form):
    """What the plan is bound to."""

    store_id: str
    sink_id: str
    custody: str = ""
    """Who could read what is written, as a fingerprint; empty where the sink decides."""


class BaseForm(_Form):
    """What a change was planned against."""

    record_version: int
    fingerprint: str


class FieldForm(_Form):
    """One field: before and after, as the manifest writes it."""

    before: FieldValue
    after: FieldValue
    added: list[str] = []
    """Members that come, for lists and mappings; follows from before and after."""
    removed: list[str] = []
    """Members that go."""


class SecretForm(_Form):
    """What happens to the secret; there is no field for the secret itself."""

    action: Literal["renew", "end"]
    """`renew`: a new secret is made. `end`: secrets end without a successor."""
    path: str
    from_version: int | None
    """Sink version that is replaced or ended."""
    left_path: str | None
    """A path that the key leaves; emptied after the overlap."""
    previous_works_for: str | None
    """How long a previous secret goes on working, such as `24h`."""
    adopts: Annotated[int, Field(ge=1)] | None = None
    """Sink version of a stranger that may be written over; absent where there is none."""


class AdoptionForm(_Form):
    """A stored key that comes under this manager."""

    former_manager: str | None
    """Whose it was; null for nobody's."""


class ChangeForm(_Form):
    """One declared change of a key or a resource."""

    kind: Literal["key", "resource"]
    address: str
    """`workspace/name`, or `policy/default`, `workspace/…`, `network/…`, `scopes/default`."""
    previous_address: str | None
    """The address before a rename."""
    workspace: str | None
    """Whose admins may apply it; null where only platform admins may."""
    actions: Annotated[list[Action], Field(min_length=1)]
    reason: Reason
    removal: str | None
    """Why a key is removed."""
    last_characters: str | None
    source: SourceForm | None
    base: BaseForm | None
    """Null for what is new."""
    fields: dict[str, FieldForm]
    secret: SecretForm | None
    adoption: AdoptionForm | None = None
    """Absent where the key is this manager's already."""
    verdict: Verdict | None = None
    """What the review says of it, in a word."""
    access: AccessForm | None = None
    """What it does to who can do what; null where nobody reviewed it."""


class MaintenanceForm(_Form):
    """One thing that time brings; not part of the digest."""

    address: str
    workspace: str | None
    kind: MaintenanceKind
    reason: Reason | None
    version_id: str | None
    operation_id: str | None
    path: str | None
    sink_version: int | None
    due_since: Instant | None


class DriftForm(_Form):
    """One difference from what was last applied, in the sink or in the store."""

    address: str
    workspace: str
    key_id: str
    kind: DriftKind
    path: str | None
    """Where it is in the sink; null for a row of the store."""
    recorded_version: int | None
    """The version at which keyrec left the path."""
    seen_version: int | None
    holding: Holding
    """What was found of the latest value; the value itself has no field."""
    repair: Reason | None
    """Why maintenance makes a new secret; null where a person has to decide."""
    message: str
    advice: str


class DiagnosticForm(_Form):
    """A problem or refusal, which stops the plan, or a note, which does not."""

    kind: Literal["problem", "refusal", "note"]
    severity: Literal["error", "note"]
    code: str
    message: str
    advice: str
    address: str | None
    source: SourceForm | None
    snippet: str


class UnmanagedForm(_Form):
    """A live key of another manager, or of nobody."""

    address: str
    manager: str | None


class PlanForm(_Form):
    """What `keyrec apply` would do, and what that is based on."""

    format_version: Annotated[str, Field(pattern=r"^1\.[0-9]+$")]
    tool: ToolForm
    created_at: Instant
    """The store's time at which the plan was made."""
    manager: str
    source: RevisionForm
    target: TargetForm
    digest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    """Hash of the declared effects; what an approval names."""
    summary: dict[str, Count]
    """Keys by action, `resources`, `unchanged` and `maintenance`."""
    changes: list[ChangeForm]
    maintenance: list[MaintenanceForm]
    drift: list[DriftForm] = []
    """What was changed outside; empty where nobody looked."""
    findings: list[FindingForm] = []
    """What the review found; the gravest first."""
    fail_on: Severity = Severity.CRITICAL
    """Findings of changes that are as grave, or graver, refuse the plan."""
    diagnostics: list[DiagnosticForm]
    applyable: bool
    """Whether nothing stands against applying it, approval and rights aside."""
    errored: bool
    """Whether manifests are invalid against the store."""
    selection: list[str]
    """The `--target` and `--exclude` flags in force; empty for a whole plan."""
    unmanaged: list[UnmanagedForm]
    removal_count: Count


def plan_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a saved plan."""
    head = {"$schema": DIALECT, "$id": f"{BASE}plan.schema.json", "title": "Plan"}
    return {**head, **_plain(PlanForm.model_json_schema() | {"title": "Plan"})}


def _plain(node: Any) -> Any:
    """Name the parts of the document by what they are, without what marks their classes."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, dict):
        return {key.removesuffix("Form"): _plain(value) for key, value in node.items()}
    return node.removesuffix("Form") if isinstance(node, str) else node
