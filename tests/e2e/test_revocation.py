"""Promise 7 at the gate: four workers serve a steady load, and keys end meanwhile. The longest time
for which a dead key was still let through is printed, and is below the published bound.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from reconciler.config.serving import MAX_STALE, REVOCATION_BOUND
from tests.e2e.desk import Desk, age_desk
from tests.e2e.load import REQUESTS_PER_CONNECTION, Load
from tests.e2e.serving import serving
from tests.services.postgres_server import DURABLE, PostgresServer

KEY = """
    apiVersion: keyrec/v1
    kind: ApiKey
    metadata:
      name: {name}
      workspace: payments
      owner: team-payments
    spec:
      environment: prod
      active: true
      expiration: none
      allowlist: [127.0.0.0/8]
      scopes:
        Reviews: read
        Webhooks: read
      rotation:
        generation: 1
        overlap: 1m
"""
WORKSPACE = """
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {name: payments}
"""
REMOVAL = """
    apiVersion: keyrec/v1
    kind: KeyRemoval
    metadata: {{name: {name}, workspace: payments}}
    spec: {{reason: system-retired}}
"""
ENOUGH_TO_MEET_EVERY_WORKER = 200 * REQUESTS_PER_CONNECTION
ENDS = ("rotated", "deactivated", "held", "removed", "moved", "narrowed", "leaked")
"""What happens to the key of that name."""
AFTERWARDS = {"moved": 403, "narrowed": 403}
"""What its holder is answered then; 401 where nothing is said here."""
EVENT = {
    "deactivated": "key-deactivated",
    "moved": "key-updated",
    "narrowed": "key-updated",
    "held": "key-held",
    "removed": "key-removed",
    "leaked": "secret-leaked",
}
"""By which event each of them ended."""


def end(desk: Desk, name: str) -> None:
    """End a key, as its name says."""
    file = f"keys/payments/{name}.yaml"
    match name:
        case "deactivated":
            desk.edit(file, "active: true", "active: false")
            desk.apply()
        case "moved":
            desk.edit(file, "127.0.0.0/8", "203.0.113.0/24")
            desk.apply()
        case "narrowed":
            desk.edit(file, "  Reviews: read\n", "")
            desk.apply()
        case "held":
            desk.keyrec("hold", f"payments/{name}", "--reason", "an incident")
        case "removed":
            (desk.folder / file).unlink()
            desk.write(f"keys/payments/{name}-removal.yaml", REMOVAL.format(name=name))
            desk.apply("--allow-removals", "1")
        case "rotated":
            desk.edit(file, "generation: 1", "generation: 2")
            desk.apply()
        case "leaked":
            desk.keyrec("rotate", f"payments/{name}", "--leaked")
        case _:
            raise AssertionError(f"nothing happens to {name}")


def ended_at(desk: Desk, name: str) -> float:
    """Give when the key ended: by its audit event, just before that was committed, or its deadline."""
    if name == "rotated":
        said = json.loads(desk.keyrec("get", f"payments/{name}", "--format", "json").out)
        deadline = next(v["works_until"] for v in said["key"]["versions"] if v["works_until"])
        return datetime.fromisoformat(deadline).timestamp()
    events = json.loads(desk.keyrec("history", f"payments/{name}", "--format", "json").out)
    (ended,) = (e["at"] for e in events["events"] if e["event"] == EVENT[name])
    return datetime.fromisoformat(ended).timestamp()


def test_an_ended_key_is_let_through_no_longer_than_the_bound(desk, capsys):
    """Deactivated, held, removed, another network, fewer rights, past its overlap, leaked."""
    names = (*ENDS, "untouched")
    desk.write("keys/payments/workspace.yaml", WORKSPACE)
    for name in names:
        desk.write(f"keys/payments/{name}.yaml", KEY.format(name=name))
    desk.apply()
    keys = {name: desk.secret(f"payments/prod/{name}") for name in names}
    with serving(desk) as port, Load(port, keys).running() as load:
        for name in names:
            load.wait_for(name, 200)
        for name in ENDS:
            end(desk, name)
        for name in ENDS:
            load.wait_for(name, AFTERWARDS.get(name, 401))
    assert load.failures == []
    assert load.statuses("untouched") == {200}
    longest = {name: load.last_accepted(name) - ended_at(desk, name) for name in ENDS}
    asked = sum(len(each) for each in load.asked.values())
    with capsys.disabled():
        listed = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in longest.items())
        store = desk.store_url.partition(":")[0]
        sys.stdout.write(f"\n{store}: {asked} requests; let through after the end: {listed}\n")
    assert max(longest.values()) < REVOCATION_BOUND.total_seconds()


def test_without_the_store_proven_keys_live_for_max_stale_and_come_back(tmp_path):
    """PostgreSQL is stopped under load: every key is refused after ten seconds, with an answer that
    asks to come again, and let through again when the server is back; nothing has to be restarted.
    """
    folder = Path(tempfile.mkdtemp(prefix="keyrec-pg-"))
    server = PostgresServer(folder, settings=DURABLE)
    try:
        server.make()
        server.start()
        desk = age_desk(tmp_path)
        desk.store_url = server.url
        desk.environment["KEYREC_STORE_URL"] = server.url
        stop_and_start(desk.begin(), server.stop, server.start)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_without_its_file_the_same_holds_of_sqlite(local_desk):
    """The file is moved away, as for a restore, and put back."""
    store = local_desk.folder / ".keyrec/keys.db"
    away = local_desk.folder / "away.db"
    stop_and_start(local_desk, lambda: store.rename(away), lambda: away.rename(store))


def stop_and_start(desk: Desk, stop: Callable[[], object], start: Callable[[], object]) -> None:
    """Take the store away under load and give it back."""
    desk.write("keys/payments/workspace.yaml", WORKSPACE)
    desk.write("keys/payments/a.yaml", KEY.format(name="a"))
    desk.apply()
    keys = {"a": desk.secret("payments/prod/a")}
    with serving(desk) as port, Load(port, keys).running() as load:
        load.wait_for("a", 200, times=ENOUGH_TO_MEET_EVERY_WORKER)
        stop()
        stopped = time.time()
        load.wait_for("a", 503, times=200)
        started = time.time()
        start()
        load.wait_for("a", 200, times=200)
    refused = [asked.at - stopped for asked in load.asked["a"] if asked.status == 503]
    allowed = [asked.at - stopped for asked in load.asked["a"] if asked.status == 200]
    assert load.statuses("a") == {200, 503}
    assert min(refused) > (MAX_STALE - REVOCATION_BOUND).total_seconds()
    assert max(at for at in allowed if at < started - stopped) < MAX_STALE.total_seconds()


@pytest.fixture(autouse=True)
def _serving_needs_its_extra() -> None:
    """Say at once where the packages are missing."""
    pytest.importorskip("uvicorn")
