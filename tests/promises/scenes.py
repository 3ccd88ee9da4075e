"""What is done while the process is killed: one scene for every action, each with what stands before.

A scene is played on a place that it finds empty: `before` runs undisturbed, then `act` is the run
that may be killed, and `again` is what the next run does, a person's or a timer's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.adapters.system import SystemEntropy
from reconciler.apply.doors import Doors, RunRequest, RunWatch
from reconciler.apply.emergency import Emergency
from reconciler.apply.looking import find_drift
from reconciler.apply.outcome import ApplyReport
from reconciler.apply.points import Watcher
from reconciler.apply.prepare import target_of, with_others
from reconciler.apply.run import rotate_now, run_apply
from reconciler.model.keys import KeyAddress, KeyRemoval, KeySpec
from reconciler.model.resources import Body
from reconciler.model.secret import Secret
from reconciler.model.source import Revision
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.planner import make_plan
from reconciler.ports import KeyStore
from tests.contracts.sink_rigs import payload
from tests.fakes.world import ADMIN, MANAGER, PAYMENTS, desired, removal, spec
from tests.promises.place import Opened, Place

Item = KeySpec | KeyRemoval | Body
DAY = timedelta(days=1)
OVERLAP = DAY
A = KeyAddress(workspace="payments", name="a")
BYSTANDER = spec("b")
"""A key that no scene touches: nothing is done to it again, whatever happens."""
REVISION = "5b0e8f2c7d1a4e6f9b3c8d2a1e7f6c5b4a3d2e1f"
"""The commit that manifests are applied from."""
ALLOWED = "203.0.113.7"
"""Where keys are presented from."""
PATHS = tuple(f"payments/prod/{name}" for name in ("a", "a2", "b", "moved", "x"))
"""Every path that any scene writes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run: manifests applied, maintenance alone, or a rotation asked for."""

    items: tuple[Item, ...] = ()
    maintenance: bool = False
    rotates: bool = False
    after: timedelta = timedelta(0)
    """How much time passes before it."""

    def run(self, opened: Opened, watcher: Watcher | None = None) -> ApplyReport:
        """Run it once, on store and sink as they are opened."""
        request, doors = self._request(opened.store), _doors(opened)
        watch = RunWatch(stop=threading.Event(), on_effect=watcher)
        if self.rotates:
            return rotate_now(doors, request, A, watch)
        return run_apply(doors, request, watch)

    def is_idle(self, opened: Opened) -> bool:
        """Whether a plan made now has nothing to do."""
        request = self._request(opened.store).plan_request
        if self.maintenance:
            stop = threading.Event()
            found = find_drift(_doors(opened), request, parallelism=2, stop=stop)
            request = replace(request, drifts=found.drifts)
        plan = make_plan(request)
        return not plan.changes and not plan.maintenance

    def _request(self, store: KeyStore) -> RunRequest:
        wanted = replace(
            desired(PAYMENTS, BYSTANDER, *self.items), revision=Revision(commit=REVISION)
        )
        observed = with_others(store, wanted, store.observe(MANAGER))
        plan_request = PlanRequest(
            desired=wanted,
            observed=observed,
            target=target_of(observed),
            maintenance_only=self.maintenance or self.rotates,
        )
        return RunRequest(
            plan_request=plan_request,
            principal=ADMIN,
            holder="a test",
            token_prefix="krk",
            approved_digest=make_plan(plan_request).digest,
            maintenance_only=self.maintenance,
            parallelism=2,
        )


def _doors(opened: Opened) -> Doors:
    return Doors(
        store=opened.store, sink=opened.sink, entropy=SystemEntropy(), sleep=lambda _: None
    )


def applying(*items: Item, after: timedelta = timedelta(0)) -> Step:
    """Apply these manifests."""
    return Step(items=items, after=after)


def maintaining(after: timedelta = timedelta(0)) -> Step:
    """Run the maintenance alone."""
    return Step(maintenance=True, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One action under kills."""

    name: str
    before: tuple[Step, ...]
    act: Step
    again: Step
    """The next run: what a person or a timer does after the crash."""
    may_end: bool = False
    """Whether keys end by what is done here."""
    prepare: Callable[[Place], None] = lambda _: None
    """What somebody does beside the runs, between the steps before and the act."""


def _declared(
    name: str, before: tuple[Item, ...], act: tuple[Item, ...], *, may_end: bool = False
) -> Scene:
    return Scene(
        name=name,
        before=(applying(*before),),
        act=applying(*act),
        again=applying(*act),
        may_end=may_end,
    )


def _leak(place: Place) -> None:
    """Say of every secret of the key that it leaked."""
    with place.opened() as opened:
        emergency = Emergency(
            store=opened.store,
            entropy=SystemEntropy(),
            sleep=lambda _: None,
            principal=ADMIN,
            policy=opened.store.observe(MANAGER).policy,
            manager=MANAGER,
        )
        assert emergency.end_leaked(A)


def _give_away(place: Place) -> None:
    """Say that the key is another manager's."""
    place.change("UPDATE keys SET manager = 'others' WHERE name = 'a'")


def _write_beside(place: Place) -> None:
    """Write to the key's path as a stranger does."""
    found = replace(payload(), api_key=Secret("of a stranger"))
    with place.opened() as opened:
        assert opened.sink.write("payments/prod/a", found, expected=0) == 1


RESTRICTED = (f"{ALLOWED}/32",)
ROTATING = spec("a", every=30 * DAY, overlap=OVERLAP)

SCENES = (
    _declared("create", (), (spec("a"),)),
    _declared(
        "update",
        (spec("a"),),
        (spec("a", owner="another", allowlist=RESTRICTED, ranges=RESTRICTED),),
    ),
    _declared("activate", (spec("a", active=False),), (spec("a"),), may_end=True),
    _declared("deactivate", (spec("a"),), (spec("a", active=False),), may_end=True),
    _declared("rotate", (spec("a"),), (spec("a", generation=2),)),
    _declared("update and rotate", (spec("a"),), (spec("a", generation=2, owner="another"),)),
    Scene(
        name="rotation asked for",
        before=(applying(spec("a")),),
        act=Step(rotates=True),
        again=maintaining(),
    ),
    Scene(
        name="scheduled rotation",
        before=(applying(ROTATING),),
        act=maintaining(after=30 * DAY),
        again=maintaining(),
    ),
    Scene(
        name="replace a leaked secret",
        before=(applying(spec("a")),),
        prepare=_leak,
        act=Step(rotates=True),
        again=maintaining(),
        may_end=True,
    ),
    _declared("reissue", (spec("a"),), (spec("a", reissue=2),)),
    _declared("rename", (spec("a"),), (spec("a2", previous_name="a"),)),
    _declared(
        "rename in place",
        (spec("a", sink_path="payments/prod/x"),),
        (spec("a2", previous_name="a", sink_path="payments/prod/x"),),
    ),
    _declared("move", (spec("a"),), (spec("a", sink_path="payments/prod/moved"),)),
    _declared("many at once", (spec("a"),), (spec("a", generation=2), spec("a2"))),
    Scene(
        name="adopt a record",
        before=(applying(spec("a")),),
        prepare=_give_away,
        act=applying(spec("a", adopts_record=True, generation=2)),
        again=applying(spec("a", adopts_record=True, generation=2)),
    ),
    Scene(
        name="adopt a version",
        before=(applying(),),
        prepare=_write_beside,
        act=applying(spec("a", adopts_version=1)),
        again=applying(spec("a", adopts_version=1)),
    ),
    Scene(
        name="mend a deleted value",
        before=(applying(spec("a")),),
        prepare=lambda place: place.holds.lose("payments/prod/a"),
        act=maintaining(),
        again=maintaining(),
    ),
    Scene(
        name="mend a deleted path",
        before=(applying(spec("a")), Step(rotates=True)),
        prepare=lambda place: place.holds.forget("payments/prod/a"),
        act=maintaining(),
        again=maintaining(),
    ),
    Scene(
        name="retire",
        before=(applying(spec("a")), Step(rotates=True)),
        act=maintaining(after=OVERLAP),
        again=maintaining(),
    ),
    _declared("remove", (spec("a"),), (removal("a"),), may_end=True),
    Scene(
        name="take a freed path",
        before=(applying(spec("a")), applying(removal("a"))),
        act=applying(removal("a"), spec("a2", sink_path="payments/prod/a")),
        again=applying(removal("a"), spec("a2", sink_path="payments/prod/a")),
        may_end=True,
    ),
)
