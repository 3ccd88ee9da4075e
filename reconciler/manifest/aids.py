"""What makes reading manifests faster and changes nothing of what is read."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.manifest.remembered import Memory
from reconciler.manifest.sharing import Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class Aids:
    """Each may be there or not."""

    memory: Memory | None = None
    """What files of the same bytes said before."""
    sharing: Sharing | None = None
    """Another process that reads some of them."""


UNAIDED = Aids()
