"""What one run does under its lease: recover, read again, execute, report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, replace

from reconciler.apply.anchor import AnchorKeeper
from reconciler.apply.authorization import is_admin_of_anything, require_same_trust
from reconciler.apply.batches import batches
from reconciler.apply.delivery import Courier
from reconciler.apply.doors import Doors, RunRequest, RunWatch
from reconciler.apply.executor import Executor
from reconciler.apply.ledger import Ledger
from reconciler.apply.looking import Comparison, Looker, drift_warnings, unseen_outcomes
from reconciler.apply.outcome import ApplyReport, Outcome, OutcomeStatus
from reconciler.apply.prepare import target_of, with_others
from reconciler.apply.readiness import needs_sink, require_same_address, sink_trouble
from reconciler.apply.recovery import Recovery
from reconciler.apply.resumed import not_attempted, unfinished
from reconciler.apply.steps import SecretMaker
from reconciler.apply.transactions import FATAL, Transactions
from reconciler.apply.work import Mint
from reconciler.errors import KeyrecError, Refused
from reconciler.model.journal import Lease, Operation
from reconciler.model.states import ObservedState
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Plan


@dataclass(slots=True, kw_only=True)
class Session:
    """One run under its lease."""

    doors: Doors
    request: RunRequest
    watch: RunWatch
    lease: Lease
    threads: futures.Executor
    trouble: KeyrecError | None = None
    """Why the sink could not be used, where it was asked."""
    is_sink_checked: bool = False
    is_sink_needed: bool = False
    comparison: Comparison | None = None
    """What was found in the sink, where this run looked."""

    def require_admin(self, observed: ObservedState) -> None:
        """Stop somebody who may do nothing at all, before anything is judged or finished.

        Raises:
            Refused: the principal is no admin of anything.
        """
        if not is_admin_of_anything(self.request.principal, observed):
            raise Refused(
                f"{self.request.principal} is no admin of anything in the store",
                advice="ask a platform admin to be named in the policy or in a workspace",
            )

    def anchor_keeper(self, observed: ObservedState) -> AnchorKeeper:
        """Compare the store with what the sink remembers; who writes it at the end.

        Where that cannot be said, this run makes no secret: an ended key might get a new one.

        Raises:
            StoreBehindAnchor: they do not agree.
        """
        keeper = AnchorKeeper(store=self.doors.store, sink=self.doors.sink, observed=observed)
        keeper.compare()
        if keeper.trouble is not None:
            self.trouble = sink_trouble(self.doors.sink, target_of(observed)) or keeper.trouble
            self.is_sink_checked = True
        return keeper

    def recover(self, observed: ObservedState) -> list[Outcome]:
        """Finish open operations of earlier runs; one outcome each."""
        if not observed.operations:
            return []
        self._check_sink(observed)
        outcomes: list[Outcome] = []
        for batch in batches(observed.operations, self.request.batch_size):
            finished = self._finish(observed, batch)
            for outcome in finished:
                self.watch.on_outcome(outcome)
            outcomes += finished
        return outcomes

    def _finish(self, observed: ObservedState, operations: Sequence[Operation]) -> list[Outcome]:
        if self.watch.stop.is_set():
            return not_attempted(observed, operations)
        if self.trouble is not None:
            return unfinished(observed, operations, self.trouble)
        return self._recovery(observed).finish(observed, operations)

    def read_again(self) -> PlanRequest:
        """Give the plan's request with what the store holds now.

        Raises:
            Refused: by now the stored policy knows people in another way than when this run
                began, or pins another address of the sink.
        """
        store, request = self.doors.store, self.request.plan_request
        observed = with_others(store, request.desired, store.observe(self.lease.manager))
        require_same_trust(request.observed.policy, observed.policy)
        require_same_address(request.observed.policy, observed.policy)
        return replace(request, observed=observed, target=target_of(observed))

    def look(self, plan_request: PlanRequest) -> PlanRequest:
        """Give the request with what was changed outside, where the sink can be asked."""
        self._check_sink(plan_request.observed)
        if self.trouble is not None:
            return plan_request
        looker = Looker(
            store=self.doors.store,
            sink=self.doors.sink,
            threads=self.threads,
            stop=self.watch.stop,
        )
        self.comparison = looker.compare(plan_request)
        return replace(plan_request, drifts=self.comparison.drifts)

    def execute(
        self, plan: Plan, observed: ObservedState, recovered: Sequence[Outcome]
    ) -> ApplyReport:
        """Carry out an agreed plan and say what became of everything.

        Raises:
            KeyrecError: store or sink could not be used, and nothing at all was applied.
        """
        if needs_sink(plan):
            self._check_sink(observed)
        digest = plan.digest
        ledger = Ledger(plan=plan, on_outcome=self.watch.on_outcome)
        warnings = [*drift_warnings(plan.drift), *self._unlooked_warnings()]
        error = self.trouble if self.is_sink_needed else None
        for outcome in unseen_outcomes(self.comparison):
            ledger.tell(None, outcome)
        try:
            self._executor(plan, digest, observed, ledger).execute()
        except FATAL as fatal:
            error = fatal
            warnings.append(fatal.message)
        warnings += ledger.warnings
        outcomes = (*recovered, *ledger.outcomes)
        if error is not None and not any(o.status is OutcomeStatus.APPLIED for o in outcomes):
            raise error
        return self._report(digest, outcomes, warnings)

    def _report(
        self, digest: str, outcomes: tuple[Outcome, ...], warnings: list[str]
    ) -> ApplyReport:
        unlooked = self._has_not_looked
        missing = unlooked or any(o.status is not OutcomeStatus.APPLIED for o in outcomes)
        sequence, head = self._audit_head(warnings)
        return ApplyReport(
            run_id=self.lease.run_id,
            plan_digest=digest,
            outcomes=outcomes,
            warnings=tuple(warnings),
            interrupted=self.watch.stop.is_set() and missing,
            is_incomplete=unlooked,
            audit_sequence=sequence,
            audit_head=head,
        )

    @property
    def _has_not_looked(self) -> bool:
        """Whether this run was to look at the sink and could not."""
        return self.trouble is not None and self.request.maintenance_only

    def _unlooked_warnings(self) -> Iterator[str]:
        if self.trouble is not None and self._has_not_looked:
            yield f"what was changed in the sink was not looked for: {self.trouble.message}"

    def _audit_head(self, warnings: list[str]) -> tuple[int, str]:
        """Give the newest audit event; what was applied is told also where it cannot be read."""
        try:
            return self.doors.store.audit_head()
        except KeyrecError as error:
            if error.message not in warnings:
                warnings.append(error.message)
            return 0, ""

    def _check_sink(self, observed: ObservedState) -> None:
        """Ask once whether the sink can be used."""
        self.is_sink_needed = True
        if not self.is_sink_checked:
            self.trouble = sink_trouble(self.doors.sink, target_of(observed))
            self.is_sink_checked = True

    def _executor(
        self, plan: Plan, digest: str, observed: ObservedState, ledger: Ledger
    ) -> Executor:
        return Executor(
            plan=plan,
            observed=observed,
            maker=self._maker(observed, digest),
            sink=self.doors.sink,
            sink_trouble=self.trouble,
            watch=self.watch,
            batch_size=self.request.batch_size,
            ledger=ledger,
        )

    def _recovery(self, observed: ObservedState) -> Recovery:
        return Recovery(
            store=self.doors.store,
            sink=self.doors.sink,
            maker=self._maker(observed, None),
        )

    def transactions(self, digest: str | None = None) -> Transactions:
        """Give what commits under this run's lease, in its principal's name."""
        return Transactions(
            store=self.doors.store,
            entropy=self.doors.entropy,
            sleep=self.doors.sleep,
            actor=self.request.principal,
            fence=self.lease.fence,
            revision=self.request.plan_request.desired.revision.commit,
            plan_digest=digest,
        )

    def _maker(self, observed: ObservedState, digest: str | None) -> SecretMaker:
        transactions = self.transactions(digest)
        target = target_of(observed)
        return SecretMaker(
            mint=Mint(
                token_prefix=self.request.token_prefix,
                profile=observed.policy.hashing,
                sink_id=target.sink_id,
                custody=target.custody,
                entropy=self.doors.entropy,
            ),
            transactions=transactions,
            courier=Courier(
                sink=self.doors.sink,
                transactions=transactions,
                sleep=self.doors.sleep,
                stop=self.watch.stop,
            ),
            threads=self.threads,
        )
