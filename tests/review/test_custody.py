"""Where secrets go, as reviewers read it: another place is another line."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.policy import Policy, SinkKind, SinkPolicy
from reconciler.review.custody import place_of

SINK = SinkPolicy(kind=SinkKind.VAULT, identity="vault:c", mount="secret", prefix="keys")


def test_another_address_is_another_place() -> None:
    """One that is pinned for the first time is, too: it says who takes every secret in."""
    pinned = replace(SINK, address="https://vault.example:8200")
    other = replace(SINK, address="https://evil.example")
    assert place_of(Policy(sink=SINK)) == "vault vault:c secret keys"
    assert place_of(Policy(sink=pinned)) == "vault https://vault.example:8200 vault:c secret keys"
    assert len({place_of(Policy(sink=sink)) for sink in (SINK, pinned, other)}) == 3
