"""What the manifests change about policy, workspaces, networks and the scope catalogue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.lifetime import Expiration
from reconciler.model.policy import Prune, ReviewPolicy
from reconciler.model.resources import Body
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.severity import Severity
from reconciler.model.states import DesiredState
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults
from reconciler.planning.actions import Action, Reason
from reconciler.planning.plan import Base
from reconciler.planning.resource_changes import resource_changes
from tests.fakes.world import MANAGER, PAYMENTS, desired, policy
from tests.planning.records import observed, only_change, plan_of, stored

SHOP = Workspace(name="shop", admins=("local:eve",))
GLOBAL = NetworkSet(name="ci", ranges=("10.0.0.0/8",))
OWN = NetworkSet(name="ci", workspace="payments", ranges=("10.0.0.0/8",))
CATALOG = ScopeCatalog.of({"Reports": ("read",)})


@pytest.mark.parametrize(
    ("body", "address", "workspace"),
    [
        (SHOP, "workspace/shop", None),
        (GLOBAL, "network/ci", None),
        (OWN, "network/payments/ci", "payments"),
        (CATALOG, "scopes/default", None),
    ],
)
def test_a_new_resource_is_created_and_belongs_to_whom_it_serves(
    body: Body, address: str, workspace: str | None
) -> None:
    """Only a workspace's own networks are its admins'."""
    change = only_change(plan_of(body))
    assert (change.address, change.actions) == (address, (Action.CREATE,))
    assert (change.reason, change.is_key) == (Reason.DECLARED, False)
    assert (change.workspace, change.base, change.body) == (workspace, None, body)


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (SHOP, replace(SHOP, admins=("local:mallory",)), "admins"),
        (
            SHOP,
            replace(SHOP, defaults=WorkspaceDefaults(expiration=Expiration.DAY)),
            "defaults.expiration",
        ),
        (GLOBAL, replace(GLOBAL, ranges=("10.0.0.0/9",)), "ranges"),
        (CATALOG, ScopeCatalog.of({"Reports": ("read", "change")}), "resources.Reports"),
    ],
)
def test_a_changed_resource_is_updated_from_what_the_store_holds(
    before: Body, after: Body, field: str
) -> None:
    """The base is the stored fingerprint; the field is named."""
    kept = stored(before)
    change = only_change(plan_of(after, at=observed(resources=(kept,))))
    assert (change.actions, change.reason) == ((Action.UPDATE,), Reason.FIELDS_DIFFER)
    assert change.base == Base(record_version=0, fingerprint=kept.fingerprint)
    assert [f.name for f in change.fields] == [field]
    assert change.resource == kept


def test_a_resource_that_is_no_longer_declared_is_dropped() -> None:
    """Only what this manager once brought."""
    kept, foreign = stored(GLOBAL), stored(SHOP, manager="others")
    change = only_change(plan_of(at=observed(resources=(kept, foreign))))
    assert (change.address, change.actions) == ("network/ci", (Action.REMOVE,))
    assert (change.reason, change.body, change.source) == (Reason.UNDECLARED, None, None)
    assert change.resource == kept


def test_the_stored_policy_holds_where_no_manifest_declares_one() -> None:
    """It cannot disappear with a file."""
    assert plan_of().changes == ()
    change = only_change(plan_of(policy(prune=Prune.REMOVE)))
    assert (change.address, change.actions) == ("policy/default", (Action.UPDATE,))
    assert change.workspace is None


def test_resources_are_ordered_by_what_depends_on_them() -> None:
    """Policy, workspaces, networks, the catalogue; by address within each."""
    every: list[Body] = [
        CATALOG,
        OWN,
        GLOBAL,
        SHOP,
        policy(review=ReviewPolicy(fail_on=Severity.HIGH)),
        Workspace(name="etl"),
    ]
    for order in (every, every[::-1]):
        assert [c.address for c in plan_of(*order).changes] == [
            "policy/default",
            "workspace/etl",
            "workspace/shop",
            "network/ci",
            "network/payments/ci",
            "scopes/default",
        ]


def test_an_applied_resource_has_no_change() -> None:
    """Equal stored forms are equal."""
    at = observed(resources=(stored(SHOP), stored(OWN)))
    assert resource_changes(desired(policy(), PAYMENTS, SHOP, OWN), at) == ()
    nothing = DesiredState(manager=MANAGER)
    assert [c.actions for c in resource_changes(nothing, observed())] == [(Action.REMOVE,)]
