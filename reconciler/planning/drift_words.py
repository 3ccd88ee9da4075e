"""What was found to be changed outside, in one sentence, and what to do about it."""

from __future__ import annotations

from typing import assert_never

from reconciler.planning.drift import Drift, DriftKind, Holding, NotCompared


def drift_message(drift: Drift) -> str:
    """Say what was found, where, and at which versions."""
    path, seen, left = drift.path, drift.seen, f"keyrec left version {drift.recorded}"
    match drift.kind:
        case DriftKind.PATH_DELETED:
            return f"{path} was deleted in the sink, its version count too; {left}"
        case DriftKind.VALUE_DELETED:
            return f"{path} holds nothing at version {seen} in the sink; {left}"
        case DriftKind.ROLLED_BACK:
            return f"{path} holds another secret of this key at version {seen} in the sink; {left}"
        case DriftKind.SINK_RESTORED:
            older = "it was probably brought back to an older state"
            return f"{path} is at version {seen} in the sink, {older}; {left}"
        case DriftKind.OVERWRITTEN:
            return f"{path} holds what keyrec did not write at version {seen} in the sink; {left}"
        case DriftKind.RECORD_EDITED:
            return "its row in the key store was changed by hand since keyrec wrote it"
        case _:
            assert_never(drift.kind)


def drift_advice(drift: Drift) -> str:
    """Say who mends it, and how."""
    if drift.kind is DriftKind.RECORD_EDITED:
        return "compare it with keyrec plan and keyrec history; find out who writes to the store"
    if drift.repair is not None:
        return "keyrec apply --maintenance makes a new secret there"
    found = "find out who writes there"
    if drift.kind is DriftKind.SINK_RESTORED:
        found = "find out whether the sink was restored"
    elif drift.holding is Holding.UNREAD:
        found = "find out who writes there, or whether the path was rolled back"
    adopt = f"spec.secret.adopt: {drift.seen} in its manifest lets keyrec write over it once"
    return f"{found}; nothing was overwritten, and {adopt}"


NOT_COMPARED_WORDS = {
    NotCompared.EXPIRED: "it has expired",
    NotCompared.UNDER_WAY: "an operation is open, which the next apply finishes",
    NotCompared.WITHOUT_SECRET: "it has no current secret; the next apply makes one",
    NotCompared.MOVING: "its secret is to be at another place; the next apply makes it there",
}
