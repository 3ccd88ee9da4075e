"""The audit chain and its anchor over the opened doors of a command."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.apply.acknowledging import Answer
from reconciler.apply.anchor import AnchorKeeper
from reconciler.apply.auditing import Verification, verify_audit
from reconciler.apply.disagreement import Disagreement, disagreement, require_platform_admin
from reconciler.apply.outcome import ApplyReport, Outcome
from reconciler.apply.prepare import nothing_declared
from reconciler.apply.run import run_acknowledgement
from reconciler.bootstrap.wishes import RunTerms
from reconciler.bootstrap.workplace import Workplace
from reconciler.model.chain import Head


def verification(place: Workplace, kept: tuple[Head, ...], *, with_sink: bool) -> Verification:
    """Walk the chain; compare it with heads kept elsewhere, and with the sink's anchor."""
    sink = place.sink_of(place.observe()) if with_sink else None
    return verify_audit(place.store, sink, manager=place.settings.manager, kept=kept)


def disagreement_of(place: Workplace) -> Disagreement | None:
    """Compare the store with the sink's anchor; None where there is nothing to acknowledge.

    Raises:
        Refused: the principal is no platform admin.
        KeyrecError: the sink cannot be asked.
    """
    observed = place.observe()
    require_platform_admin(place.principal(observed), observed)
    return disagreement(place.store, place.sink_of(observed), observed)


def acknowledgement(
    place: Workplace, answer: Answer, terms: RunTerms, on_outcome: Callable[[Outcome], None]
) -> ApplyReport | None:
    """Acknowledge a restored store; errors as `run_acknowledgement`."""
    observed = place.observe()
    request = place.run_request(nothing_declared(observed), terms)
    opened = place.open_doors(observed, terms)
    return run_acknowledgement(opened, request, answer, place.watch(on_outcome))


def is_anchor_behind(place: Workplace, warn: Callable[[str], None]) -> bool:
    """Whether the sink has yet to be told what the store holds; warn where it cannot be asked.

    Raises:
        StoreBehindAnchor: the store does not hold what the sink remembers.
    """
    observed = place.observe()
    keeper = AnchorKeeper(store=place.store, sink=place.sink_of(observed), observed=observed)
    keeper.compare()
    if keeper.trouble is not None:
        warn(f"the audit anchor could not be compared: {keeper.trouble.message}")
    return keeper.is_behind
