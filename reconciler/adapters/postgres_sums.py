"""One short text for all that a plan reads from a database server: equal texts mean equal plans.

Every row is looked at, so a row that was changed by hand is seen as well as one that keyrec wrote.
The work is the server's: it adds up hashes of its rows, for they come in any order, and one line
comes back. A SQLite store has no such function; its file has a stamp (`file_stamp`).

No hash of a secret is read. Uses are left out: verifiers report them every minute, and a plan that
waits for them is never remembered.
"""

from __future__ import annotations

_VERSION_COLUMNS = (
    *("version_id", "key_id", "operation_id", "state", "sink_id", "sink_path", "sink_version"),
    *("custody", "last_characters", "created_at", "confirmed_at", "retire_at", "overlap_until"),
    *("retired_at", "leaked", "copy_destroyed_at", "audit_sequence"),
)
_READ = (
    "SELECT * FROM meta",
    "SELECT * FROM resources",
    "SELECT * FROM keys",
    f"SELECT {', '.join(_VERSION_COLUMNS)} FROM key_versions",
    "SELECT * FROM sink_paths",
    "SELECT * FROM operations WHERE state = 'open'",
    "SELECT a.* FROM attempts a JOIN operations o USING (operation_id) WHERE o.state = 'open'",
)
_SUMMED = "SELECT count(*) || ':' || coalesce(sum(hashtextextended(r::text, 0)), 0) FROM"

SUMS = "SELECT concat_ws(' ', {})".format(", ".join(f"({_SUMMED} ({read}) r)" for read in _READ))
"""The statement: one row with the text, of the store as one moment sees it."""
