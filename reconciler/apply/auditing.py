"""`audit verify`: the chain walked from its first event, and held against heads kept elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.apply.anchor import fault_of, head_of, look_at_anchor
from reconciler.errors import KeyrecError
from reconciler.model.anchor import AnchorFault
from reconciler.model.chain import ChainFault, Head, first_fault
from reconciler.ports import KeyStore, SecretSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found."""

    head: Head
    """The stored one."""
    fault: ChainFault | None
    """The first bad event; None where the chain is whole in itself."""
    anchor: Head | None = None
    """What the sink remembers, where it could be asked and remembers anything."""
    anchor_fault: AnchorFault | None = None
    anchor_trouble: str = ""
    """Why the sink could not be asked."""
    is_compared: bool = False
    """Whether the anchor was looked at."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing speaks against the chain."""
        return self.fault is None and self.anchor_fault is None


def verify_audit(
    store: KeyStore, sink: SecretSink | None, *, manager: str, kept: tuple[Head, ...]
) -> Verification:
    """Walk the chain and compare it; a sink that cannot be asked is said, and is no fault.

    `sink`: None where it is not to be asked. `kept`: heads that were printed by an apply.
    """
    observed = store.observe(manager)
    head = Head(sequence=observed.audit_sequence, hash=observed.audit_head)
    fault = first_fault(store.events(), stored=head, kept=kept, newest=lambda: head_of(store))
    if sink is None:
        return Verification(head=head, fault=fault)
    try:
        seen = look_at_anchor(sink, observed)
    except KeyrecError as error:
        return Verification(head=head, fault=fault, anchor_trouble=error.message)
    return Verification(
        head=head,
        fault=fault,
        anchor=None if seen.anchor is None else seen.anchor.head,
        anchor_fault=fault_of(seen, store, observed),
        is_compared=True,
    )
