"""The ids of all rules of the review, for manifests that name one: policies and waivers.

Compatibility: an id is never given another meaning; new ones are added. What each rule looks for
stands in `review/`, which a test compares with this list.
"""

from __future__ import annotations

from typing import Final

RULE_IDS: Final[tuple[str, ...]] = (
    *("AK101", "AK102", "AK103", "AK104", "AK105", "AK106", "AK107", "AK108", "AK109"),
    *("AK110", "AK111", "AK112", "AK113", "AK114", "AK115", "AK116", "AK117", "AK118", "AK119"),
    *("AK120", "AK121", "AK122", "AK123", "AK124", "AK125", "AK126", "AK127"),
    *("AK201", "AK202", "AK203", "AK204", "AK205", "AK206", "AK207", "AK208", "AK209", "AK210"),
    *("AK211", "AK220", "AK221", "AK222", "AK223", "AK224", "AK225", "AK226", "AK227", "AK228"),
    *("AK229", "AK230", "AK231", "AK232"),
    *("AK301", "AK302", "AK303", "AK304", "AK305", "AK306", "AK307", "AK308", "AK309", "AK310"),
    "AK311",
)
