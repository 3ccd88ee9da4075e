"""The plan itself: its digest, its summary, and the exact bytes that approvals depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.canonical import canonical_bytes
from reconciler.model.keys import RemovalReason, fields_fingerprint
from reconciler.model.lifetime import Expiration
from reconciler.model.policy import Prune
from reconciler.model.source import Revision
from reconciler.model.workspaces import NetworkSet
from reconciler.planning.effects import effects_document
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Plan
from reconciler.planning.planner import make_plan
from tests.fakes.store import STORE_ID
from tests.fakes.world import SINK_ID, policy, removal, spec
from tests.planning.records import (
    HOUR,
    observed,
    operation,
    plan_of,
    record,
    request,
    stored,
)

AT = observed(record("a"), record("b"), record("c"), record("d"))
ITEMS = (spec("a", owner="x"), spec("b", generation=2), removal("c"), spec("d"), spec("e"))


def asked(**changes: Any) -> PlanRequest:
    """Ask for a plan with an update, a rotation, a removal and a creation."""
    return request(*ITEMS, at=AT, **changes)


BASE = make_plan(asked())


def test_a_digest_is_the_same_for_the_same_effects() -> None:
    """And says which hash it is."""
    assert BASE.digest == make_plan(asked()).digest
    assert BASE.digest.startswith("sha256:")
    assert len(BASE.digest) == len("sha256:") + 64


def _reordered(wanted: PlanRequest) -> PlanRequest:
    state, goal = wanted.observed, wanted.desired
    return replace(
        wanted,
        observed=replace(state, records=state.records[::-1], resources=state.resources[::-1]),
        desired=replace(goal, keys=goal.keys[::-1], resources=goal.resources[::-1]),
    )


def _moved_documents(wanted: PlanRequest) -> PlanRequest:
    goal = wanted.desired
    keys = [replace(k, source=replace(k.source, file="x.yaml", line=9)) for k in goal.keys]
    return replace(wanted, desired=replace(goal, keys=tuple(keys)))


def _due(wanted: PlanRequest) -> PlanRequest:
    """A rotation came due at the unchanged key."""
    state = wanted.observed
    records = [r if r.address.name != "d" else replace(r, versions=()) for r in state.records]
    return replace(wanted, observed=replace(state, records=tuple(records)))


def _interrupted(wanted: PlanRequest) -> PlanRequest:
    state = wanted.observed
    return replace(wanted, observed=replace(state, operations=(operation(record("d")),)))


def _raised_version(wanted: PlanRequest) -> PlanRequest:
    state = wanted.observed
    records = [replace(r, record_version=r.record_version + 5) for r in state.records]
    return replace(wanted, observed=replace(state, records=tuple(records)))


def _changed_neighbour(wanted: PlanRequest) -> PlanRequest:
    """A key came to the store that the plan does not touch."""
    state, goal = wanted.observed, wanted.desired
    other = (*goal.keys, spec("z"))
    return replace(
        wanted,
        observed=replace(state, records=(*state.records, record("z"))),
        desired=replace(goal, keys=other),
    )


SAME: dict[str, Callable[[PlanRequest], PlanRequest]] = {
    "the time": lambda r: replace(
        r, observed=replace(r.observed, read_at=r.observed.read_at + timedelta(minutes=5))
    ),
    "the commit": lambda r: replace(
        r, desired=replace(r.desired, revision=Revision(commit="f" * 40, dirty=True))
    ),
    "the bytes of the files": lambda r: replace(
        r, desired=replace(r.desired, manifest_digest="0" * 64)
    ),
    "the order of everything": _reordered,
    "the places of documents": _moved_documents,
    "maintenance": _due,
    "open operations": _interrupted,
    "record versions": _raised_version,
    "a key that is not touched": _changed_neighbour,
    "the stated count": lambda r: replace(r, allowed_removals=1),
    "the audit head": lambda r: replace(r, observed=replace(r.observed, audit_sequence=99)),
    "who can read copies": lambda r: replace(r, target=replace(r.target, custody="0" * 8)),
}


@pytest.mark.parametrize("name", SAME)
def test_a_digest_does_not_depend_on(name: str) -> None:
    """An approval does not go stale because of what is no declared effect."""
    assert make_plan(SAME[name](asked())).digest == BASE.digest


def _with_record(name: str, **fields: Any) -> Callable[[PlanRequest], PlanRequest]:
    def change(wanted: PlanRequest) -> PlanRequest:
        state = wanted.observed
        records = [r if r.address.name != name else record(name, **fields) for r in state.records]
        return replace(wanted, observed=replace(state, records=tuple(records)))

    return change


def _declaring(*items: Any) -> Callable[[PlanRequest], PlanRequest]:
    return lambda r: replace(r, desired=request(*items).desired)


OTHER: dict[str, Callable[[PlanRequest], PlanRequest]] = {
    "another store": lambda r: replace(r, target=replace(r.target, store_id="another")),
    "another sink": lambda r: replace(r, target=replace(r.target, sink_id="another")),
    "another manager": lambda r: replace(r, desired=replace(r.desired, manager="others")),
    "the base of an update": _with_record("a", description="changed meanwhile"),
    "the base of a removal": _with_record("c", owner="changed meanwhile"),
    "another value": _declaring(spec("a", owner="y"), *ITEMS[1:]),
    "another generation": _declaring(ITEMS[0], spec("b", generation=3), *ITEMS[2:]),
    "another overlap": _declaring(ITEMS[0], spec("b", generation=2, overlap=HOUR), *ITEMS[2:]),
    "another reason": _declaring(*ITEMS[:2], removal("c", RemovalReason.POLICY), *ITEMS[3:]),
    "an inactive creation": _declaring(*ITEMS[:4], spec("e", active=False)),
    "another path": _declaring(*ITEMS[:4], spec("e", sink_path="payments/else")),
    "a change fewer": _declaring(*ITEMS[:4]),
    "a change more": _declaring(*ITEMS, spec("f")),
    "a resource": _declaring(*ITEMS, NetworkSet(name="ci", ranges=("10.0.0.0/8",))),
    "a lost current secret": lambda r: replace(
        r,
        observed=replace(
            r.observed,
            records=tuple(
                x if x.address.name != "d" else replace(x, fields=replace(x.fields, active=False))
                for x in r.observed.records
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", OTHER)
def test_a_digest_changes_with(name: str) -> None:
    """What was reviewed is what is applied."""
    assert make_plan(OTHER[name](asked())).digest != BASE.digest


def test_a_network_that_grew_elsewhere_makes_an_approval_stale() -> None:
    """The resolved ranges are an effect although the manifest's own lines are the same."""

    def plan(ranges: tuple[str, ...]) -> Plan:
        declared = spec("a", allowlist=("10.0.0.2", "network:ci"), ranges=ranges)
        before = record("a", allowlist=("10.0.0.1", "network:ci"), ranges=("10.0.0.0/24",))
        return plan_of(declared, at=observed(before))

    assert plan(("10.0.0.0/24",)).digest != plan(("0.0.0.0/0",)).digest


def test_the_summary_counts_actions_of_keys_and_resources_apart() -> None:
    """A change with two actions counts in both."""
    network = NetworkSet(name="ci", ranges=("10.0.0.0/8",))
    items = (*ITEMS, network, spec("n", previous_name="o", owner="team-o", active=False))
    plan = plan_of(*items, at=replace(AT, records=(*AT.records, record("o"))))
    assert plan.summary == {
        "create": 1,
        "reissue": 0,
        "rename": 1,
        "update": 1,
        "activate": 0,
        "deactivate": 1,
        "rotate": 2,
        "remove": 1,
        "adopt": 0,
        "resources": 1,
        "unchanged": 1,
        "maintenance": 0,
    }


def test_a_plan_with_problems_or_refusals_is_not_applyable() -> None:
    """Approval and rights are asked elsewhere."""
    assert BASE.is_applyable
    assert not plan_of(spec("a", reissue=1), at=observed(record("a", reissue=2))).is_applyable
    assert not plan_of(spec("a"), allowed_removals=3).is_applyable


# Exact bytes: approvals hold hashes of them. A test that fails here means a new encoding name.

HEAD = f'"encoding":"keyrec/effects/v1","manager":"platform-keys","sink":"{SINK_ID}"'
A = record("a")
FINGERPRINT = fields_fingerprint(A.fields)
HOME = "payments/prod/a"


def effect(actions: str, reason: str, fields: str, secret: str = "null", **others: str) -> str:
    """Give the bytes of one change of payments/a."""
    base = others.get("base", f'"{FINGERPRINT}"')
    return (
        f'{{"actions":[{actions}],"address":"{others.get("address", "payments/a")}","base":{base},'
        f'"fields":{{{fields}}},"previousAddress":{others.get("previous", "null")},'
        f'"reason":"{reason}","removal":{others.get("removal", "null")},"secret":{secret}}}'
    )


def secret(path: str, *, ends: str = "false", left: str = "null", works: str = "null") -> str:
    """Give the bytes of one effect on a secret."""
    return f'{{"ends":{ends},"leftPath":{left},"path":"{path}","previousWorksFor":{works}}}'


def field(name: str, before: str, after: str) -> str:
    """Give the bytes of one changed field."""
    return f'"{name}":{{"after":{after},"before":{before}}}'


CREATED = ",".join(
    [
        field("environment", "null", '"prod"'),
        field("expiration", "null", '"90d"'),
        field("owner", "null", '"team-a"'),
        field("scopes", "null", '{"Reviews":"read"}'),
        field("secret.path", "null", f'"{HOME}"'),
    ]
)
REMOVED = ",".join(
    [
        field("environment", '"prod"', "null"),
        field("expiration", '"none"', "null"),
        field("owner", '"team-a"', "null"),
        field("scopes", '{"Reviews":"read"}', "null"),
        field("secret.path", f'"{HOME}"', "null"),
    ]
)
POLICY = policy()
PINNED: dict[str, tuple[Plan, str]] = {
    "nothing": (plan_of(), ""),
    "create": (
        plan_of(spec("a", expiration=Expiration.QUARTER)),
        effect('"create"', "declared", CREATED, secret(HOME), base="null"),
    ),
    "update": (
        plan_of(spec("a", description="für Rechnungen"), at=observed(A)),
        effect('"update"', "fields-differ", field("description", "null", '"für Rechnungen"')),
    ),
    "deactivate": (
        plan_of(spec("a", active=False), at=observed(A)),
        effect('"deactivate"', "fields-differ", field("active", "true", "false")),
    ),
    "rotate": (
        plan_of(spec("a", generation=2), at=observed(A)),
        effect(
            '"rotate"',
            "generation-raised",
            field("rotation.generation", "1", "2"),
            secret(HOME, works='"1d"'),
        ),
    ),
    "move": (
        plan_of(spec("a", sink_path="payments/else"), at=observed(A)),
        effect(
            '"rotate"',
            "sink-path-changed",
            field("secret.path", f'"{HOME}"', '"payments/else"'),
            secret("payments/else", left=f'"{HOME}"', works='"1d"'),
        ),
    ),
    "reissue": (
        plan_of(spec("a", reissue=2), at=observed(A)),
        effect(
            '"reissue"', "reissue-raised", field("reissue", "1", "2"), secret(HOME, works='"1d"')
        ),
    ),
    "rename": (
        plan_of(spec("b", owner="team-a", previous_name="a"), at=observed(A)),
        effect(
            '"rename","rotate"',
            "renamed",
            field("secret.path", f'"{HOME}"', '"payments/prod/b"'),
            secret("payments/prod/b", left=f'"{HOME}"', works='"1d"'),
            address="payments/b",
            previous='"payments/a"',
        ),
    ),
    "remove": (
        plan_of(removal("a"), at=observed(A)),
        effect(
            '"remove"',
            "removal-declared",
            REMOVED,
            secret(HOME, ends="true"),
            removal='"system-retired"',
        ),
    ),
    "prune": (
        plan_of(at=observed(A, judge=policy(prune=Prune.REMOVE))),
        effect(
            '"remove"',
            "undeclared",
            REMOVED,
            secret(HOME, ends="true"),
            removal='"undeclared"',
        ),
    ),
    "resource": (
        plan_of(policy(prune=Prune.REMOVE)),
        effect(
            '"update"',
            "fields-differ",
            field("prune", '"deactivate"', '"remove"'),
            address="policy/default",
            base=f'"{stored(POLICY).fingerprint}"',
        ),
    ),
}


@pytest.mark.parametrize("name", PINNED)
def test_the_effects_of_a_change_have_exactly_these_bytes(name: str) -> None:
    """One plan of each kind of change."""
    plan, change = PINNED[name]
    expected = f'{{"changes":[{change}],{HEAD},"store":"{STORE_ID}"}}'
    assert canonical_bytes(effects_document(plan)).decode() == expected


def test_the_digest_of_a_creation_is_pinned_to_the_letter() -> None:
    """A saved approval of yesterday still counts today."""
    plan, _ = PINNED["create"]
    assert plan.digest == (
        "sha256:f1e4d227257baf4021c730208e9c361a1e803f477ef560e347ee9871266503f1"
    )
