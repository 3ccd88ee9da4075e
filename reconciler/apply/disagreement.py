"""What the sink remembers against what the store holds, for the person who has to decide."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.apply.anchor import AnchorSeen, fault_of, fault_words, look_at_anchor
from reconciler.apply.authorization import is_platform_admin
from reconciler.errors import Refused
from reconciler.model.anchor import EndedVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.states import ObservedState
from reconciler.model.workspaces import Principal
from reconciler.ports import KeyStore, SecretSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What the sink remembers against what the store holds."""

    seen: AnchorSeen
    words: str
    to_end: tuple[EndedVersion, ...]
    """Listed by the anchor, and not ended in the store."""
    keys: int
    """Live keys of the manager."""


def disagreement(store: KeyStore, sink: SecretSink, observed: ObservedState) -> Disagreement | None:
    """Compare; None where there is nothing to acknowledge.

    Raises:
        KeyrecError: the sink cannot be asked.
    """
    seen = look_at_anchor(sink, observed)
    fault = fault_of(seen, store, observed)
    if fault is None:
        return None
    listed = () if seen.anchor is None else seen.anchor.ended
    return Disagreement(
        seen=seen,
        words=fault_words(fault, seen, observed),
        to_end=tuple(e for e in listed if _lives(store, e)),
        keys=len(observed.live),
    )


def require_platform_admin(principal: Principal, observed: ObservedState) -> None:
    """Return for whoever may acknowledge.

    Raises:
        Refused: everybody else.
    """
    if not is_platform_admin(principal, observed):
        raise Refused(
            f"{principal} is no platform admin in the store",
            advice="a platform admin looks at what was lost before anything is applied",
        )


def _lives(store: KeyStore, ended: EndedVersion) -> bool:
    stored = store.presented(ended.version_id)
    return stored is not None and stored.version.state is not VersionState.RETIRED
