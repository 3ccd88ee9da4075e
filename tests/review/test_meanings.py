"""A catalogue is everybody's: what its change does to keys that the plan does not look at."""

from __future__ import annotations

from reconciler.apply.prepare import Wish, prepare
from reconciler.planning.plan import Plan
from reconciler.planning.selection import Selection
from tests.fakes.world import MANAGER, World
from tests.review.cases import Manifests, empty_world, let_apply

WORKSPACE = """\
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: shop}
spec:
  admins: ['local:bob']
"""
KEY = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {{name: {name}, workspace: shop, owner: team-shop}}
spec:
  environment: {environment}
  scopes: {{Credentials: read}}
  allowlist: [52.94.76.0/28]
  expiration: 90d
"""
TURNED_OVER = """\
apiVersion: keyrec/v1
kind: ScopeCatalog
metadata: {name: default}
spec:
  resources:
    Credentials: [change, read]
"""
STAGE = KEY.format(name="sync-stage", environment="stage")


def planned(
    world: World, *documents: str, manager: str = MANAGER, wish: Wish | None = None
) -> Plan:
    """Plan what the documents declare."""
    source = Manifests("---\n".join(documents).encode())
    return prepare(store=world.store, source=source, manager=manager, wish=wish).plan


def world_with(*documents: str, manager: str = MANAGER) -> World:
    """Give a world in which the documents were applied."""
    world = empty_world()
    source = Manifests("---\n".join(documents).encode())
    let_apply(world, prepare(store=world.store, source=source, manager=manager))
    return world


def test_keys_of_environments_that_are_not_planned_are_told() -> None:
    """A plan of production changes what the keys of stage may do."""
    world = world_with(WORKSPACE, STAGE)
    wish = Wish(environments=("prod",))
    plan = planned(world, WORKSPACE, TURNED_OVER, STAGE, wish=wish)
    (assessment,) = plan.review.assessments
    assert (assessment.words, assessment.touched) == ("WIDEN", ("shop/sync-stage",))
    assert [f.rule for f in plan.review.failing] == ["AK125"]
    assert "lets shop/sync-stage use Credentials:change too" in plan.refusals[0].message


def test_keys_of_other_managers_are_told() -> None:
    """Who changes the catalogue changes their access, and reads their keys for it."""
    world = world_with(WORKSPACE, STAGE, manager="another-team")
    plan = planned(world, TURNED_OVER)
    (assessment,) = plan.review.assessments
    assert (assessment.words, assessment.touched) == ("WIDEN", ("shop/sync-stage",))


def test_a_catalogue_that_a_selection_keeps_out_judges_nothing() -> None:
    """Its author could choose what their own key is judged by."""
    world = world_with(WORKSPACE)
    key = KEY.format(name="sync-prod", environment="prod").replace("read", "change")
    wish = Wish(selection=Selection(targets=("shop/*",)))
    plan = planned(world, WORKSPACE, TURNED_OVER, key, wish=wish)
    assert [c.address for c in plan.changes] == ["shop/sync-prod"]
    assert [f.rule for f in plan.review.failing] == ["AK117"]


def test_an_inactive_key_is_not_touched() -> None:
    """Nobody gets in by it, whatever its grants mean."""
    asleep = STAGE + "  active: false\n"
    plan = planned(world_with(WORKSPACE, asleep), WORKSPACE, TURNED_OVER, asleep)
    assert [a.words for a in plan.review.assessments] == ["NEUTRAL"]
    assert [f for f in plan.review.findings if f.rule == "AK125"] == []
