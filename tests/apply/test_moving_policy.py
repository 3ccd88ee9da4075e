"""A policy that is replaced while somebody is at work: who and where is judged by the one of now.

In mode `oidc` a name is whoever the policy binds to it, so that one name may be two jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.apply.doors import RunRequest
from reconciler.apply.emergency import Emergency
from reconciler.apply.prepare import target_of
from reconciler.apply.run import run_apply
from reconciler.errors import ExitCode, Refused
from reconciler.model.keys import KeyAddress, KeySpec
from reconciler.model.policy import AuthorizationMode, BoundPrincipal, Issuer, Policy
from reconciler.model.resources import Resource, address_of
from reconciler.model.states import DesiredState, ObservedState
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.planner import make_plan
from tests.fakes.sink import FakeSink
from tests.fakes.store import FakeStore
from tests.fakes.system import FakeClock
from tests.fakes.world import ADMIN, MANAGER, PAYMENTS, SINK_ID, World, policy, spec

WHO = "github:apply"


def issuer(ref: str) -> Issuer:
    """Give an issuer whose `apply` is the job of that branch."""
    bound = BoundPrincipal(name="apply", claims=(("ref", ref),))
    url = "https://issuer.example"
    return Issuer(name="github", url=url, audience="keyrec", principals=(bound,))


def trusting(**changes: Any) -> Policy:
    """Give a policy in mode `oidc`."""
    wanted: dict[str, Any] = {
        "authorization": AuthorizationMode.OIDC,
        "platform_admins": (WHO,),
        "issuers": (issuer("main"),),
    }
    return policy(**{**wanted, **changes})


def seeded() -> World:
    """Give a world in mode `oidc` with the key payments/a."""
    clock = FakeClock()
    sink = FakeSink(readable=False, identity=SINK_ID)
    world = World(clock=clock, store=FakeStore(clock), sink=sink)
    body = trusting()
    world.store.seed(Resource(address=address_of(body), body=body, manager=MANAGER), actor=ADMIN)
    world.apply(PAYMENTS, spec("a"), principal=WHO)
    return world


class Moving:
    """A store whose policy another run replaces after so many readings."""

    def __init__(self, store: Any, now: Policy, *, after: int) -> None:
        self._store, self._now, self._left = store, now, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def observe(self, *args: Any, **kwargs: Any) -> ObservedState:
        """Read; by now the policy may be another one."""
        observed: ObservedState = self._store.observe(*args, **kwargs)
        self._left -= 1
        if self._left >= 0:
            return observed
        return replace(
            observed,
            resources=tuple(
                replace(r, body=self._now) if isinstance(r.body, Policy) else r
                for r in observed.resources
            ),
        )


@pytest.mark.parametrize("after", [0, 1], ids=["before it reads again", "between its readings"])
@pytest.mark.parametrize(
    ("now", "words"),
    [
        (trusting(issuers=(issuer("other"),)), "knows people in another way"),
        (
            trusting(sink=replace(policy().sink, address="https://vault.example")),
            "pins another address",
        ),
    ],
    ids=["whom it knows", "where the sink is"],
)
def test_a_run_judges_the_policy_that_it_goes_on_with(now: Policy, words: str, after: int) -> None:
    """It reads twice where it takes over a key; what was judged is the second reading."""
    world = seeded()
    _made_by_another_manager(world, spec("b"))
    request = world.run_request(PAYMENTS, spec("a"), spec("b", adopts_record=True), principal=WHO)
    head = world.store.audit_head()
    moving = replace(world.doors(), store=Moving(world.store, now, after=after))
    with pytest.raises(Refused) as met:
        run_apply(moving, request, world.watch())
    assert words in met.value.message
    assert world.store.audit_head() == head
    assert run_apply(world.doors(), request, world.watch()).exit_code is ExitCode.DONE


def _made_by_another_manager(world: World, key: KeySpec) -> None:
    observed = world.store.observe("other")
    request = PlanRequest(
        desired=DesiredState(manager="other", keys=(key,)),
        observed=observed,
        target=target_of(observed),
    )
    approved = make_plan(request).digest
    run = RunRequest(
        plan_request=request,
        principal=WHO,
        holder="a test",
        token_prefix="krk",
        approved_digest=approved,
    )
    assert run_apply(world.doors(), run, world.watch()).exit_code is ExitCode.DONE


@pytest.mark.parametrize(
    "through",
    [
        lambda doors: doors.hold(KeyAddress(workspace="payments", name="a"), "a drill"),
        lambda doors: doors.release(KeyAddress(workspace="payments", name="a")),
        lambda doors: doors.end_leaked(KeyAddress(workspace="payments", name="a")),
        lambda doors: doors.end_leaked_version(doors.version_id),
    ],
    ids=["hold", "release", "leaked", "leaked by its id"],
)
def test_no_emergency_door_opens_by_a_policy_that_does_not_know_the_principal(
    through: Callable[[Any], object],
) -> None:
    """Who it is was judged by the policy of before; by the one of now that name is another job."""
    world = seeded()
    now = trusting(issuers=(issuer("other"),))
    emergency = Emergency(
        store=Moving(world.store, now, after=0),
        entropy=world.entropy,
        sleep=world.waits.append,
        principal=WHO,
        policy=world.store.observe(MANAGER).policy,
        manager=MANAGER,
    )
    version = world.record("a").versions[0].version_id
    head = world.store.audit_head()
    with pytest.raises(Refused) as met:
        through(_Doors(emergency, version))
    assert "knows people in another way" in met.value.message
    assert world.store.audit_head() == head


class _Doors:
    """The emergency doors, and the id of a version to end."""

    def __init__(self, emergency: Emergency, version_id: str) -> None:
        self._emergency, self.version_id = emergency, version_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._emergency, name)
