"""What updating many keys cannot be faster than: the same rows, by the bare driver.

A program of its own, run as a command; nothing of keyrec is imported. In one transaction it changes
description, fingerprint and version of every key by one statement, and adds an audit row for each
by another. It works on copies of the tables, for a store whose rows anybody changes is damaged.

    python benchmarks/floor_updates.py URL WORD
"""

from __future__ import annotations

import hashlib
import json
import sys

import psycopg

COPIES = (
    "CREATE TABLE IF NOT EXISTS floor_keys (LIKE keys INCLUDING ALL)",
    "CREATE TABLE IF NOT EXISTS floor_audit (LIKE audit INCLUDING ALL)",
    "INSERT INTO floor_keys SELECT * FROM keys ON CONFLICT DO NOTHING",
)
CHANGE = """
UPDATE floor_keys k
SET description = g.description, fingerprint = g.fingerprint, record_version = k.record_version + 1
FROM json_populate_recordset(NULL::keys, %s::json) g WHERE k.key_id = g.key_id
"""
AUDIT = """
INSERT INTO floor_audit (sequence, at, actor, event, address, reason, detail, previous_hash, hash)
SELECT sequence, clock_timestamp(), actor, event, address, reason, detail, previous_hash, hash
FROM json_populate_recordset(NULL::audit, %s::json)
"""


def main(argv: list[str]) -> int:
    """Change all keys and say how many there were; `prepare` as the word only copies the tables."""
    url, word = argv
    with psycopg.connect(url) as connection:
        if word == "prepare":
            for statement in COPIES:
                connection.execute(statement)
            return 0
        rows = connection.execute("SELECT key_id, workspace, name FROM floor_keys").fetchall()
        newest = connection.execute("SELECT coalesce(max(sequence), 0) FROM floor_audit").fetchone()
        first = 1 + (newest[0] if newest else 0)
        connection.execute(CHANGE, [json.dumps([_key(row[0], word) for row in rows])])
        events = [_event(first + n, f"{row[1]}/{row[2]}") for n, row in enumerate(rows)]
        connection.execute(AUDIT, [json.dumps(events)])
    sys.stdout.write(f"{len(rows)}\n")
    return 0


def _key(key_id: str, word: str) -> dict[str, str]:
    digest = hashlib.sha256(f"{key_id} {word}".encode()).hexdigest()
    return {"key_id": key_id, "description": word, "fingerprint": digest}


def _event(sequence: int, address: str) -> dict[str, str | int]:
    digest = hashlib.sha256(f"{sequence} {address}".encode()).hexdigest()
    return {
        "sequence": sequence,
        "actor": "local:bench",
        "event": "key-updated",
        "address": address,
        "reason": "fields-differ",
        "detail": "[]",
        "previous_hash": digest,
        "hash": digest,
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
