"""The opened doors of one command: each opened when it is first needed, all closed at the end.

Nothing is decided here. What only a run needs is imported when there is one: a plan starts in half
the time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import Configuration
from reconciler.bootstrap.planning_place import PlanningPlace
from reconciler.errors import Refused

if TYPE_CHECKING:
    from reconciler.apply.doors import Doors, RunRequest, RunWatch
    from reconciler.apply.emergency import Emergency
    from reconciler.apply.looking import Comparison
    from reconciler.apply.outcome import ApplyReport, Outcome
    from reconciler.apply.points import Effect
    from reconciler.bootstrap.wishes import RunTerms
    from reconciler.model.journal import Lease
    from reconciler.model.keys import KeyAddress
    from reconciler.model.states import ObservedState
    from reconciler.planning.pairing import PlanRequest
    from reconciler.planning.selection import Selection
    from reconciler.ports import SecretSink


class Workplace(PlanningPlace):
    """What planning needs, with the sink and all that a run needs; a context manager."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        stop: threading.Event,
        warn: Callable[[str], None] = lambda _: None,
        trace: Callable[[Effect], None] | None = None,
    ) -> None:
        """Open nothing yet.

        `stop` ends a run cleanly when it is set; `warn` is told before a secret could be sent
        what is dangerous about the way to the sink; `trace` before and after each effect of a run.
        """
        super().__init__(configuration)
        self._stop = stop
        self._warn = warn
        self._trace = trace

    def compare(self, selection: Selection, terms: RunTerms) -> Comparison:
        """Look for what was changed outside; only reads. Errors as `find_drift`."""
        from reconciler.apply.looking import find_drift

        request = self._maintenance_request(selection)
        opened = self.open_doors(request.observed, terms)
        return find_drift(opened, request, parallelism=terms.parallelism, stop=self._stop)

    def run(
        self, request: PlanRequest, terms: RunTerms, on_outcome: Callable[[Outcome], None]
    ) -> ApplyReport:
        """Carry out a plan; errors as `run_apply`."""
        from reconciler.apply.run import run_apply

        run_request = self.run_request(request, terms)
        opened = self.open_doors(request.observed, terms)
        return run_apply(opened, run_request, self.watch(on_outcome))

    def rotate(
        self, address: KeyAddress, terms: RunTerms, on_outcome: Callable[[Outcome], None]
    ) -> ApplyReport:
        """Give one key a new secret now; errors as `rotate_now`. Reads no manifest."""
        from reconciler.apply.prepare import nothing_declared
        from reconciler.apply.run import rotate_now

        observed = self.observe()
        request = nothing_declared(observed)
        run_request = self.run_request(request, terms)
        opened = self.open_doors(observed, terms)
        return rotate_now(opened, run_request, address, self.watch(on_outcome))

    def version_at(self, path: str, observed: ObservedState) -> int:
        """Give the version at which a path is in the sink; only reads, and shows no value.

        Raises:
            SinkMisconfigured: the sink is not the one that the policy pins.
        """
        from reconciler.apply.prepare import target_of
        from reconciler.apply.readiness import require_pinned
        from reconciler.bootstrap.wishes import RunTerms

        sink = self.open_doors(observed, RunTerms()).sink
        require_pinned(sink, target_of(observed))
        return sink.observe(path).version

    def end_lease(self) -> Lease | None:
        """End the lease, whoever holds it; the ended one.

        Raises:
            Refused: the principal is no platform admin.
        """
        from reconciler.apply.authorization import is_platform_admin

        observed = self.observe()
        principal = self.principal(observed)
        if not is_platform_admin(principal, observed):
            raise Refused(
                f"{principal} is no platform admin in the store.",
                advice="A dead run's lease ends by itself after 30 seconds; ask a platform admin.",
            )
        return self.store.end_lease(self.settings.manager, actor=principal)

    @property
    def emergency(self) -> Emergency:
        """Give the doors that need no lease and no sink; errors as `principal`."""
        from reconciler.apply.emergency import Emergency

        observed = self.observe()
        return Emergency(
            store=self.store,
            entropy=doors.entropy(),
            sleep=self._sleep,
            principal=self.principal(observed),
            policy=observed.policy,
            manager=self.settings.manager,
        )

    def sink_of(self, observed: ObservedState) -> SecretSink:
        """Open the sink to look at it; one that cannot be opened says why when it is asked."""
        sink = doors.open_sink_or_say_why(self.settings, observed.policy)
        self._opened.callback(sink.close)
        return sink

    def watch(self, on_outcome: Callable[[Outcome], None]) -> RunWatch:
        """Give how a run is watched and stopped."""
        from reconciler.apply.doors import RunWatch

        return RunWatch(stop=self._stop, on_outcome=on_outcome, on_effect=self._trace)

    def open_doors(self, observed: ObservedState, terms: RunTerms) -> Doors:
        """Open store and sink for a run that may make secrets."""
        from reconciler.apply.doors import Doors
        from reconciler.model.policy import SinkKind

        doors.harden()
        if observed.policy.sink.kind is SinkKind.VAULT:
            for danger in self.settings.vault.warnings:
                self._warn(danger)
        sink = doors.open_sink_or_say_why(
            self.settings, observed.policy, parallelism=terms.parallelism
        )
        self._opened.callback(sink.close)
        return Doors(store=self.store, sink=sink, entropy=doors.entropy(), sleep=self._sleep)

    def run_request(self, request: PlanRequest, terms: RunTerms) -> RunRequest:
        """Put together what a run is asked for, and by whom; errors as `principal`."""
        from reconciler.apply.doors import RunRequest

        principal = self.principal(request.observed)
        return RunRequest(
            plan_request=request,
            principal=principal,
            holder=doors.holder(principal),
            token_prefix=self.settings.token_prefix,
            approved_digest=terms.approved_digest,
            maintenance_only=terms.maintenance_only,
            parallelism=terms.parallelism,
            lock_timeout=terms.lock_timeout,
        )

    def _sleep(self, seconds: float) -> None:
        """Wait; the wish to stop ends the waiting."""
        self._stop.wait(seconds)
