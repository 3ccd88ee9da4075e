"""Who can read a secret in a sink whose readers keyrec itself chooses (age recipients).

Custody is text: sorted 8-digit SHA-256 prefixes of the recipients, joined by commas; empty where
the sink decides (Vault). Compatibility: stored with every version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def custody_of(recipients: Iterable[str]) -> str:
    """Give the custody of what is encrypted to them; comments of SSH keys do not count."""
    texts = (" ".join(r.split()[:2]) for r in recipients)
    return ",".join(sorted({hashlib.sha256(t.encode()).hexdigest()[:8] for t in texts}))


def lost_recipient(old: str, new: str) -> bool:
    """Whether somebody could read under the old custody who may not under the new."""
    return bool(_members(old) - _members(new))


def _members(custody: str) -> set[str]:
    return {member for member in custody.split(",") if member}
