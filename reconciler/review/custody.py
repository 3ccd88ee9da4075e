"""Who can read secrets in the sink that a policy pins: its place, and for age its recipients."""

from __future__ import annotations

import base64
import hashlib

from reconciler.model.policy import Policy


def custodians(policy: Policy) -> tuple[str, ...]:
    """Name everybody who can read what is written under the policy."""
    return (f"whoever reads {place_of(policy)}", *(shown(r) for r in policy.sink.recipients))


def place_of(policy: Policy) -> str:
    """Name the sink: kind, address where it is pinned, id, mount and prefix."""
    sink = policy.sink
    parts = (sink.kind.value, sink.address, sink.identity, sink.mount, sink.prefix)
    return " ".join(part for part in parts if part)


def shown(recipient: str) -> str:
    """Give a public key as people compare it: an age key as it is, an SSH key by the fingerprint
    that ssh-keygen shows. Its comment is anybody's word.
    """
    kind, _, rest = recipient.partition(" ")
    if not rest:
        return kind
    blob = rest.split()[0]
    try:
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
    except ValueError:
        return f"{kind} {blob}"
    return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
