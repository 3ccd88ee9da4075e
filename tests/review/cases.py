"""Review cases: what the store held before, what a pull request declares, what a review says of it.

Each case is a folder: `before.yaml` is applied, what `expected.yaml` names under `then` happens
(days and hours that pass, keys that are held, removed; `manager`: whose `before.yaml` was), verifiers
report what stands under `seen`, `after.yaml` is planned and reviewed. `expected.yaml` says by hand
which findings and verdicts there have to be, and why the case is there; `comment.md` is the comment
that a pull request gets, as it was approved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from reconciler.apply.doors import RunRequest
from reconciler.apply.prepare import Prepared, prepare
from reconciler.apply.run import run_apply
from reconciler.model.keys import KeyAddress
from reconciler.model.resources import Resource, address_of
from reconciler.model.source import Revision
from reconciler.planning.plan import Plan
from reconciler.ports import ManifestFile
from reconciler.review.reviewing import reviewed_plan
from tests.apply.test_emergency import doors
from tests.fakes.sink import FakeSink
from tests.fakes.store import FakeStore
from tests.fakes.system import FakeClock
from tests.fakes.world import ADMIN, MANAGER, SINK_ID, World, policy
from tests.review.seen import with_seen

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One folder."""

    name: str

    @property
    def expected(self) -> dict[str, Any]:
        """Give what stands in `expected.yaml`."""
        content = (FOLDER / self.name / "expected.yaml").read_text(encoding="utf-8")
        found: dict[str, Any] = yaml.safe_load(content)
        return found

    @property
    def comment(self) -> Path:
        """Give the approved comment."""
        return FOLDER / self.name / "comment.md"

    def reviewed(self) -> Plan:
        """Apply what was before, let happen what happens, plan what comes."""
        world = empty_world()
        then = self.expected.get("then", {})
        let_apply(world, self._prepared(world, "before.yaml", then.get("manager", MANAGER)))
        for name in then.get("hold", ()):
            workspace, _, key = name.partition("/")
            doors(world).hold(KeyAddress(workspace=workspace, name=key), "seen in a public log")
        if "applied" in then:
            let_apply(world, self._prepared(world, then["applied"]))
        world.clock.advance(timedelta(days=then.get("days", 0), hours=then.get("hours", 0)))
        prepared = self._prepared(world, "after.yaml")
        if "seen" not in self.expected:
            return prepared.plan
        observed = with_seen(prepared.request.observed, self.expected["seen"])
        return reviewed_plan(replace(prepared.request, observed=observed))

    def _prepared(self, world: World, name: str, manager: str = MANAGER) -> Prepared:
        content = (FOLDER / self.name / name).read_bytes()
        return prepare(store=world.store, source=Manifests(content), manager=manager)


@dataclass(frozen=True)
class Manifests:
    """One file of manifests."""

    content: bytes

    def files(self) -> Iterable[ManifestFile]:
        """Give the one file, under the name that people use."""
        return [ManifestFile(path="keys/shop.yaml", content=self.content)]

    def revision(self) -> Revision:
        """Give a commit."""
        return Revision(commit="1a2b3c4d" * 5)

    def content_id(self) -> None:
        """Only reading tells."""


def empty_world() -> World:
    """Give a store with a policy and nothing else."""
    clock = FakeClock()
    world = World(clock=clock, store=FakeStore(clock), sink=FakeSink(identity=SINK_ID))
    body = policy()
    world.store.seed(Resource(address=address_of(body), body=body, manager=MANAGER), actor=ADMIN)
    return world


def let_apply(world: World, prepared: Prepared) -> None:
    """Apply whatever it is: what was before is no matter of this review."""
    request: RunRequest = world.run_request()
    run = RunRequest(
        plan_request=prepared.request,
        principal=ADMIN,
        holder=request.holder,
        approved_digest=prepared.plan.digest,
        lock_timeout=request.lock_timeout,
        token_prefix=request.token_prefix,
        parallelism=1,
    )
    report = run_apply(world.doors(), run, world.watch())
    assert report.exit_code == 0, report.outcomes


def cases() -> list[Case]:
    """Give all cases by name."""
    return [Case(path.name) for path in sorted(FOLDER.iterdir()) if path.is_dir()]
