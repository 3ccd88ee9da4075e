"""What `status` finds of a key when it is asked, and how that is mended.

Which keys are found is decided in `cli/questions.py`; here it is said, for people and for alerts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from reconciler.render.style import Style, Tint


class Concern(StrEnum):
    """Why a key is in the answer. Compatibility: the words stand in JSON."""

    EXPIRED = "expired"
    EXPIRING = "expiring"
    ROTATION_DUE = "rotation-due"


_ADVICE = {
    Concern.EXPIRED: "its secrets are refused: raise spec.reissue in its manifest and apply, or "
    "remove the manifest",
    Concern.EXPIRING: "raise spec.reissue in its manifest and apply before that; an expiration is "
    "never moved",
    Concern.ROTATION_DUE: "keyrec apply --maintenance, and see why it has not run",
}


def concern_lines(found: Sequence[Concern], style: Style) -> Iterator[str]:
    """Say once for each kind of concern how it is mended, below an empty line."""
    present = [concern for concern in Concern if concern in found]
    if present:
        yield ""
    for concern in present:
        yield f"{style.paint(concern.value, Tint.BOLD)}: {_ADVICE[concern]}"


def concern_document(concern: Concern) -> dict[str, object]:
    """Give one concern for JSON."""
    return {"about": concern.value, "advice": _ADVICE[concern]}
