"""Who may apply what, judged by what the store held before the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.apply.authorization import (
    authorization_refusals,
    is_admin_of_anything,
    is_platform_admin,
    may_change,
)
from reconciler.apply.run import run_apply
from reconciler.errors import ExitCode, Refused
from reconciler.model.keys import KeyRemoval, KeySpec
from reconciler.model.policy import AuthorizationMode, BoundPrincipal, Issuer, Policy, Prune
from reconciler.model.resources import Body
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.workspaces import NetworkSet, Workspace
from reconciler.planning.plan import Refusal
from tests.apply.watching import APPLIED, crashing_apply, open_operations, statuses
from tests.fakes.world import ADMIN, PAYMENTS, World, policy, removal, spec

BOB = "local:bob"
"""Admin of payments."""
EVE = "local:eve"
"""Admin of shop."""
NOBODY = "local:mallory"
SHOP = Workspace(name="shop", admins=(EVE,))
OWN = NetworkSet(name="ci", workspace="payments", ranges=("10.0.0.0/8",))
GLOBAL = NetworkSet(name="ci", ranges=("10.0.0.0/8",))
CATALOG = ScopeCatalog.of({"Reports": ("read",)})
Item = KeySpec | KeyRemoval | Body


def world_with(*items: Item) -> World:
    """Give a world with two workspaces and these declarations applied."""
    world = World.seeded()
    world.apply(SHOP, *items)
    return world


KEYS = (spec("a"), spec("p", active=False))
KEEP = (SHOP, *KEYS)
CHANGES: dict[str, tuple[Item, ...]] = {
    "create": (*KEEP, spec("new")),
    "update": (SHOP, spec("a", owner="x"), KEYS[1]),
    "activate": (SHOP, KEYS[0], spec("p")),
    "deactivate": (SHOP, spec("a", active=False), KEYS[1]),
    "rotate": (SHOP, spec("a", generation=2), KEYS[1]),
    "reissue": (SHOP, spec("a", reissue=2), KEYS[1]),
    "rename": (SHOP, spec("b", owner="team-a", previous_name="a"), KEYS[1]),
    "remove": (SHOP, removal("a"), KEYS[1]),
    "prune": (SHOP, KEYS[1]),
    "the workspace's network": (*KEEP, OWN),
    "a key of shop": (*KEEP, spec("s", workspace="shop")),
    "a global network": (*KEEP, GLOBAL),
    "the catalogue": (*KEEP, CATALOG),
    "the policy": (*KEEP, policy(prune=Prune.IGNORE)),
    "a new workspace": (*KEEP, Workspace(name="etl", admins=(BOB,))),
    "bindings of payments": (*KEEP, replace(PAYMENTS, admins=(BOB, NOBODY))),
    "the end of a workspace": KEYS,
}
PAYMENTS_CHANGES = list(CHANGES)[:10]
MAY = {
    ADMIN: set(CHANGES),
    BOB: set(PAYMENTS_CHANGES),
    EVE: {"a key of shop"},
    NOBODY: set(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("principal", MAY)
def test_a_principal_applies_what_the_stored_roles_allow(principal: str, change: str) -> None:
    """The whole table: platform admin, workspace admin, another workspace's admin, nobody."""
    world = world_with(*KEYS)
    items = CHANGES[change]
    request = world.run_request(*items, principal=principal)
    before = (len(world.store.commits), len(world.sink.sent))
    if change in MAY[principal]:
        report = run_apply(world.doors(), request, world.watch())
        assert report.exit_code == 0
        assert report.outcomes
        return
    with pytest.raises(Refused) as caught:
        run_apply(world.doors(), request, world.watch())
    assert caught.value.exit_code is ExitCode.REFUSED
    assert (len(world.store.commits), len(world.sink.sent)) == before


def refusals(world: World, principal: str, *items: Item) -> tuple[Refusal, ...]:
    """Judge a plan."""
    plan = world.plan(*items)
    return authorization_refusals(principal, plan, world.store.observe("platform-keys"))


ADVICE = "ask an admin to apply it, or to apply the change of the bindings first"


def test_a_refusal_names_the_principal_the_thing_and_who_may() -> None:
    """Three situations, each in its own words."""
    world = world_with()
    (own,) = refusals(world, EVE, SHOP, spec("a"))
    assert own == Refusal(
        code="not-authorized",
        message="local:eve is no admin of the workspace payments in the store",
        advice=ADVICE,
        address="payments/a",
        source=spec("a").source,
    )
    (everybodys,) = refusals(world, BOB, SHOP, GLOBAL)
    assert everybodys.message == ("local:bob may not change network/ci: only platform admins may")
    workspace, key = refusals(
        world, BOB, SHOP, Workspace(name="etl", admins=(BOB,)), spec("a", workspace="etl")
    )
    assert workspace.message == ("local:bob may not change workspace/etl: only platform admins may")
    assert key.message == (
        "local:bob may not change etl/a: the store does not hold the workspace etl yet, "
        "and only platform admins may bring it"
    )


def test_every_change_that_is_not_allowed_is_told() -> None:
    """One refusal each; what is allowed is not named."""
    world = world_with()
    told = refusals(world, BOB, SHOP, spec("a"), GLOBAL, spec("s", workspace="shop"))
    assert [r.address for r in told] == ["network/ci", "shop/s"]


def test_bindings_that_the_plan_itself_brings_do_not_help_it() -> None:
    """They count from the next apply on."""
    world = world_with()
    brought = Workspace(name="etl", admins=(NOBODY,))
    told = refusals(world, NOBODY, SHOP, brought, spec("a", workspace="etl"))
    assert [r.address for r in told] == ["workspace/etl", "etl/a"]
    world.apply(SHOP, brought)
    assert refusals(world, NOBODY, SHOP, brought, spec("a", workspace="etl")) == ()


def test_a_plan_that_makes_its_principal_a_platform_admin_is_refused() -> None:
    """Policy is judged by the policy before it."""
    world = world_with()
    told = refusals(world, BOB, SHOP, policy(platform_admins=(ADMIN, BOB)))
    assert [r.address for r in told] == ["policy/default"]


def test_maintenance_wants_an_admin_of_anything() -> None:
    """Any workspace's admin may keep time for all."""
    world = world_with(spec("a"))
    crashing_apply(world, 3, SHOP, spec("a"), spec("b"))
    declared = (SHOP, spec("a"), spec("b"))
    assert [refusals(world, p, *declared) for p in (ADMIN, BOB, EVE)] == [(), (), ()]
    assert refusals(world, NOBODY, *declared) == (
        Refusal(
            code="not-authorized",
            message="local:mallory is no admin in the store and may not run maintenance",
            advice="ask a platform admin to be named in the policy or in a workspace",
        ),
    )
    report = world.apply(principal=EVE, maintenance_only=True)
    assert [o.status for o in report.outcomes] == [APPLIED]


def test_nothing_at_all_happens_for_a_principal_without_rights() -> None:
    """Not even the recovery of an open operation."""
    world = world_with()
    crashing_apply(world, 3, SHOP, spec("a"))
    before = (len(world.store.commits), len(world.sink.sent))
    for only_time in (True, False):
        with pytest.raises(Refused) as caught:
            world.apply(SHOP, spec("a"), principal=NOBODY, maintenance_only=only_time)
        assert caught.value.message == "local:mallory is no admin of anything in the store"
    with pytest.raises(Refused):
        world.rotate("a", principal=EVE)
    with pytest.raises(Refused):
        world.apply(SHOP, spec("a"), spec("b"), principal=EVE)
    assert open_operations(world) == 1
    assert (len(world.store.commits), len(world.sink.sent)) == before


def test_a_rotation_wants_the_rights_of_a_change_of_the_key() -> None:
    """Its workspace's admins and platform admins."""
    world = world_with(spec("a"))
    assert world.rotate("a", principal=BOB).exit_code == 0
    with pytest.raises(Refused) as caught:
        world.rotate("a", principal=EVE)
    assert caught.value.message == "local:eve is no admin of the workspace payments in the store"
    assert len(world.sink.sent) == 2


@pytest.mark.parametrize(
    ("principal", "platform", "anything", "payments"),
    [
        (ADMIN, True, True, True),
        (BOB, False, True, True),
        (EVE, False, True, False),
        (NOBODY, False, False, False),
        ("", False, False, False),
    ],
)
def test_roles_follow_from_what_is_stored(
    principal: str, platform: bool, anything: bool, payments: bool
) -> None:
    """Exact principals; None stands for platform-wide things."""
    observed = world_with().store.observe("platform-keys")
    assert is_platform_admin(principal, observed) is platform
    assert is_admin_of_anything(principal, observed) is anything
    assert may_change(principal, "payments", observed) is payments
    assert may_change(principal, None, observed) is platform
    assert may_change(principal, "nowhere", observed) is platform


def test_a_workspace_admin_applies_several_workspaces_only_with_rights_in_each() -> None:
    """One binding does not open the other workspace."""
    both: dict[str, Any] = {"admins": (EVE, BOB)}
    world = World.seeded()
    world.apply(Workspace(name="shop", **both))
    report = world.apply(
        Workspace(name="shop", **both), spec("a"), spec("s", workspace="shop"), principal=BOB
    )
    assert statuses(report) == {"payments/a": APPLIED, "shop/s": APPLIED}


GITHUB = Issuer(
    name="github",
    url="https://issuer.example",
    audience="keyrec",
    principals=(BoundPrincipal(name="apply", claims=(("ref", "refs/heads/main"),)),),
)
WHOEVER = (ADMIN, "github:apply", "github:gone", "gitlab:apply", "local:apply")
"""Platform admins by name, whatever the mode."""


def trusting(mode: AuthorizationMode, **changes: Any) -> Policy:
    """Give a policy that names everybody and knows some of them."""
    wanted = {"authorization": mode, "platform_admins": WHOEVER, "issuers": (GITHUB,), **changes}
    return policy(**wanted)


@pytest.mark.parametrize(
    ("mode", "known"),
    [
        (AuthorizationMode.LOCAL, {ADMIN, "local:apply"}),
        (AuthorizationMode.OIDC, {"github:apply"}),
    ],
)
def test_who_is_of_another_mode_than_the_stored_policys_is_nobody(
    mode: AuthorizationMode, known: set[str]
) -> None:
    """Named as platform admin or as a workspace's, it makes no difference."""
    stored = trusting(mode)
    world = World.seeded(stored=trusting(AuthorizationMode.LOCAL))
    world.apply(replace(PAYMENTS, admins=WHOEVER))
    observed = world.store.observe("platform-keys")
    resources = tuple(
        replace(r, body=stored) if isinstance(r.body, Policy) else r for r in observed.resources
    )
    observed = replace(observed, resources=resources)
    assert observed.policy == stored
    assert {p for p in WHOEVER if is_platform_admin(p, observed)} == known
    bound = replace(stored, platform_admins=())
    observed = replace(
        observed,
        resources=tuple(
            replace(r, body=bound) if isinstance(r.body, Policy) else r for r in resources
        ),
    )
    assert {p for p in WHOEVER if may_change(p, "payments", observed)} == known
    assert {p for p in WHOEVER if is_admin_of_anything(p, observed)} == known
    assert not any(may_change(p, None, observed) for p in WHOEVER)


def test_an_issuer_that_is_named_local_makes_nobody_a_user_of_the_system() -> None:
    """Its principals would bear the names of users."""
    issuer = replace(GITHUB, name="local")
    assert not trusting(AuthorizationMode.OIDC, issuers=(issuer,)).knows("local:apply")


def test_a_run_ends_where_the_policy_knows_people_in_another_way_by_then() -> None:
    """Who the principal is was judged before the lease; the policy of then no longer counts."""
    world = World.seeded(stored=trusting(AuthorizationMode.LOCAL))
    waiting = world.run_request(spec("a"))
    moved = world.request(trusting(AuthorizationMode.OIDC))
    world.apply(*(r.body for r in moved.desired.resources))
    head = world.store.audit_head()
    with pytest.raises(Refused) as met:
        run_apply(world.doors(), waiting, world.watch())
    assert "knows people in another way" in met.value.message
    assert world.store.audit_head() == head


def test_issuers_of_a_policy_in_mode_local_are_no_other_way_to_know_people() -> None:
    """They may be declared before the mode is changed, while runs wait."""
    world = World.seeded(stored=trusting(AuthorizationMode.LOCAL, issuers=()))
    waiting = world.run_request(spec("a"))
    world.apply(trusting(AuthorizationMode.LOCAL))
    assert run_apply(world.doors(), waiting, world.watch()).exit_code is ExitCode.DONE
