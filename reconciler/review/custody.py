"""Who can read secrets in the sink that a policy pins: its place, and for age its recipients."""

from __future__ import annotations

from reconciler.model.policy import Policy


def custodians(policy: Policy) -> tuple[str, ...]:
    """Name everybody who can read what is written under the policy."""
    return (f"whoever reads {place_of(policy)}", *(shortened(r) for r in policy.sink.recipients))


def place_of(policy: Policy) -> str:
    """Name the sink: kind, id, mount and prefix."""
    sink = policy.sink
    parts = (sink.kind.value, sink.identity, sink.mount, sink.prefix)
    return " ".join(part for part in parts if part)


def shortened(recipient: str) -> str:
    """Give a public key as people compare it; its comment is anybody's word."""
    text = " ".join(recipient.split()[:2])
    return text if len(text) <= 70 else f"{text[:40]}…{text[-20:]}"
