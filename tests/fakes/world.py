"""A small world for tests of planning and apply: one store, one sink, one clock, one admin.

Keys are declared as values, without manifests; `plan` and `apply` do what the commands do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from reconciler.apply.doors import Doors, RunRequest, RunWatch
from reconciler.apply.outcome import ApplyReport, Outcome
from reconciler.apply.prepare import target_of, with_others
from reconciler.apply.run import rotate_now, run_apply
from reconciler.credentials.hashing import verify
from reconciler.model.keys import (
    KeyAddress,
    KeyFields,
    KeyRecord,
    KeyRemoval,
    KeySpec,
    KeyVersion,
    RemovalReason,
    Rotation,
)
from reconciler.model.policy import Policy, SinkKind, SinkPolicy
from reconciler.model.resources import Body, Resource, address_of
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.model.source import SourceRef
from reconciler.model.states import DeclaredResource, DesiredState
from reconciler.model.workspaces import Workspace
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Plan
from reconciler.planning.planner import make_plan
from reconciler.planning.selection import Selection
from tests.fakes.sink import FakeSink
from tests.fakes.store import FakeStore
from tests.fakes.system import FakeClock, FakeEntropy

MANAGER = "platform-keys"
ADMIN = "local:alice"
SINK_ID = "fake:sink-1"
PAYMENTS = Workspace(name="payments", admins=("local:bob",))


def policy(**changes: Any) -> Policy:
    """Give a policy that pins the fake sink and names the admin."""
    sink = SinkPolicy(kind=SinkKind.VAULT, identity=SINK_ID, mount="secret", prefix="keyrec")
    return replace(Policy(platform_admins=(ADMIN,), sink=sink), **changes)


def spec(name: str, *, line: int = 1, previous_name: str | None = None, **fields: Any) -> KeySpec:
    """Declare a key of the workspace payments; marks of an adoption stand among the fields."""
    marks = {n: fields.pop(n) for n in ("adopts_record", "adopts_version") if n in fields}
    rotation = {
        n: fields.pop(n) for n in ("generation", "every", "overlap", "retire") if n in fields
    }
    workspace = fields.pop("workspace", "payments")
    defaults: dict[str, Any] = {
        "environment": "prod",
        "sink_path": f"{workspace}/prod/{name}",
        "scopes": (ScopeGrant(resource="Reviews", level="read"),),
        "owner": f"team-{name}",
    }
    return KeySpec(
        address=KeyAddress(workspace=workspace, name=name),
        fields=KeyFields(**{**defaults, "rotation": Rotation(**rotation), **fields}),
        source=SourceRef(file=f"keys/{workspace}/{name}.yaml", line=line, column=1),
        previous_name=previous_name,
        **marks,
    )


def removal(name: str, reason: RemovalReason = RemovalReason.SYSTEM_RETIRED) -> KeyRemoval:
    """Declare the end of a key of the workspace payments."""
    return KeyRemoval(
        address=KeyAddress(workspace="payments", name=name),
        reason=reason,
        source=SourceRef(file="keys/removals.yaml", line=1, column=1),
    )


def desired(*items: KeySpec | KeyRemoval | Body) -> DesiredState:
    """Put declarations together, sorted as the manifest room gives them."""
    resources = [i for i in items if not isinstance(i, KeySpec | KeyRemoval)]
    return DesiredState(
        manager=MANAGER,
        keys=tuple(sorted((i for i in items if isinstance(i, KeySpec)), key=lambda k: k.address)),
        removals=tuple(i for i in items if isinstance(i, KeyRemoval)),
        resources=tuple(
            DeclaredResource(
                body=body, source=SourceRef(file="keys/resources.yaml", line=1, column=1)
            )
            for body in resources
        ),
    )


@dataclass
class World:
    """Everything that a run needs, in memory."""

    clock: FakeClock = field(default_factory=FakeClock)
    store: FakeStore = field(default_factory=FakeStore)
    sink: FakeSink = field(default_factory=FakeSink)
    entropy: FakeEntropy = field(default_factory=FakeEntropy)
    waits: list[float] = field(default_factory=list)
    watched: list[Outcome] = field(default_factory=list)
    threads: Callable[[int], Executor] = ThreadPoolExecutor

    @classmethod
    def seeded(cls, *, stored: Policy | None = None, readable: bool = False) -> World:
        """Give a world whose store holds a policy and the workspace payments."""
        clock = FakeClock()
        world = cls(
            clock=clock, store=FakeStore(clock), sink=FakeSink(readable=readable, identity=SINK_ID)
        )
        body = stored or policy()
        world.store.seed(
            Resource(address=address_of(body), body=body, manager=MANAGER), actor=ADMIN
        )
        world.apply(PAYMENTS)
        return world

    def doors(self) -> Doors:
        """Open the doors."""
        return Doors(
            store=self.store,
            sink=self.sink,
            entropy=self.entropy,
            sleep=self.waits.append,
            threads=self.threads,
        )

    def request(
        self,
        *items: KeySpec | KeyRemoval | Body,
        selection: Selection | None = None,
        allowed_removals: int | None = None,
        environments: tuple[str, ...] = (),
    ) -> PlanRequest:
        """Put a plan's request together."""
        wanted = desired(PAYMENTS, *(i for i in items if i != PAYMENTS))
        observed = with_others(self.store, wanted, self.store.observe(MANAGER))
        return PlanRequest(
            desired=wanted,
            observed=observed,
            target=target_of(observed),
            selection=selection or Selection(),
            allowed_removals=allowed_removals,
            environments=environments,
        )

    def plan(self, *items: KeySpec | KeyRemoval | Body, **options: Any) -> Plan:
        """Plan these declarations."""
        return make_plan(self.request(*items, **options))

    def run_request(
        self,
        *items: KeySpec | KeyRemoval | Body,
        principal: str = ADMIN,
        approved: str | None = None,
        maintenance_only: bool = False,
        batch_size: int = 100,
        **options: Any,
    ) -> RunRequest:
        """Put a run's request together; approved is the plan of this moment."""
        plan_request = self.request(*items, **options)
        return RunRequest(
            plan_request=plan_request,
            principal=principal,
            holder="a test",
            token_prefix="krk",
            approved_digest=approved or make_plan(plan_request).digest,
            maintenance_only=maintenance_only,
            parallelism=2,
            batch_size=batch_size,
            lock_timeout=timedelta(seconds=2),
        )

    def apply(
        self,
        *items: KeySpec | KeyRemoval | Body,
        stop: threading.Event | None = None,
        **options: Any,
    ) -> ApplyReport:
        """Apply these declarations."""
        return run_apply(self.doors(), self.run_request(*items, **options), self.watch(stop))

    def maintain(self) -> ApplyReport:
        """Run the maintenance alone."""
        return self.apply(maintenance_only=True)

    def rotate(self, name: str, principal: str = ADMIN) -> ApplyReport:
        """Rotate one key at a person's word."""
        return rotate_now(
            self.doors(),
            self.run_request(principal=principal),
            KeyAddress(workspace="payments", name=name),
            self.watch(),
        )

    def watch(self, stop: threading.Event | None = None) -> RunWatch:
        """Give a watch that writes down what it sees."""
        return RunWatch(stop=stop or threading.Event(), on_outcome=self.watched.append)

    def record(self, name: str) -> KeyRecord:
        """Give the live record of a key of payments."""
        return self.store.observe(MANAGER).live[KeyAddress(workspace="payments", name=name)]

    def versions(self, name: str) -> tuple[KeyVersion, ...]:
        """Give all versions of the newest record of that name."""
        return self.store.find(KeyAddress(workspace="payments", name=name))[0].versions

    def authenticates(self, text: str | None) -> bool:
        """Whether a presented text is an accepted secret of an active key, seen from outside."""
        if text is None:
            return False
        stored = self.store.presented(text.split("_")[2])
        if stored is None or not verify(stored.secret_hash, Secret(text)):
            return False
        now, record = self.clock.now(), stored.record
        usable = record.fields.active and record.hold is None and not record.is_expired(now)
        return usable and stored.version.is_accepted(now)

    def forget_nothing(self, paths: Iterable[str]) -> bool:
        """Whether the latest value of every path authenticates (promise P1)."""
        return all(self.authenticates(self.sink.secret_at(path)) for path in paths)
