"""From opened doors to a plan: the store is observed, the manifests are read against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from reconciler.apply.prepare import Wish, nothing_declared, prepare, target_of
from reconciler.errors import ManifestsInvalid
from reconciler.model.source import Revision
from reconciler.planning.actions import Action
from reconciler.planning.selection import Selection
from reconciler.ports import ManifestFile
from tests.fakes.world import MANAGER, SINK_ID, World, spec

WORKSPACE = b"""
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: payments}
spec: {admins: ["local:bob"]}
"""
KEY = b"""
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: NAME, workspace: payments}
spec: {environment: prod, scopes: {Reviews: read}}
"""


@dataclass(frozen=True)
class Manifests:
    """A source in memory."""

    contents: tuple[bytes, ...]

    def files(self) -> Iterable[ManifestFile]:
        return [ManifestFile(path=f"keys/{n}.yaml", content=c) for n, c in enumerate(self.contents)]

    def revision(self) -> Revision:
        return Revision(commit="1a2b3c4", dirty=True)

    def content_id(self) -> None:
        """Only reading tells."""


def key(name: str) -> bytes:
    """Give the manifest of a key."""
    return KEY.replace(b"NAME", name.encode())


def test_a_plan_is_made_of_the_manifests_and_of_what_the_store_holds() -> None:
    """With the request that it was made from, so that a run can make it again."""
    world = World.seeded()
    source = Manifests((WORKSPACE, key("a"), key("b")))
    prepared = prepare(
        store=world.store,
        source=source,
        manager=MANAGER,
        wish=Wish(selection=Selection(targets=("*/a",)), allowed_removals=0),
    )
    assert [(c.address, c.actions) for c in prepared.plan.changes] == [
        ("payments/a", (Action.CREATE,))
    ]
    assert prepared.plan.revision == Revision(commit="1a2b3c4", dirty=True)
    assert prepared.plan.target.sink_id == SINK_ID
    assert prepared.request.allowed_removals == 0
    assert world.sink.observed == []


def test_environments_bound_what_is_read_and_what_is_planned() -> None:
    """Keys of other environments are neither created nor ended."""
    world = World.seeded()
    source = Manifests((WORKSPACE, key("a"), key("t").replace(b"prod", b"test")))
    prepared = prepare(
        store=world.store, source=source, manager=MANAGER, wish=Wish(environments=("test",))
    )
    assert [c.address for c in prepared.plan.changes] == ["payments/t"]


def test_invalid_manifests_make_no_plan() -> None:
    """All problems travel with the error."""
    source = Manifests((WORKSPACE, key("a").replace(b"Reviews", b"Nonsense"), key("B")))
    with pytest.raises(ManifestsInvalid) as caught:
        prepare(store=World.seeded().store, source=source, manager=MANAGER)
    assert len(caught.value.problems) == 2
    assert caught.value.message.startswith("2 problems")


def test_a_workspace_that_only_the_store_declares_is_about_to_go_and_cannot_be_used() -> None:
    """The same plan would take it away."""
    source = Manifests((key("a"),))
    with pytest.raises(ManifestsInvalid):
        prepare(store=World.seeded().store, source=source, manager=MANAGER)


def test_a_run_without_manifests_declares_nothing_and_prunes_nothing() -> None:
    """Maintenance, and a rotation that a person asks for."""
    world = World.seeded()
    world.apply(spec("a"))
    observed = world.store.observe(MANAGER)
    request = nothing_declared(observed)
    assert request.maintenance_only
    assert (request.desired.keys, request.target) == ((), target_of(observed))
