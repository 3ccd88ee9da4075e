"""What somebody does past keyrec is found, named, and mended or left to a person: on real sinks.

The rows are those of docs/reference/drift.md. Three desks: age files, which keyrec cannot read;
Vault where it may read secrets; and Vault where it may not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.sink_rigs import example_policy
from tests.e2e.desk import Desk, principal, vault_desk
from tests.e2e.gateway import let_in
from tests.e2e.outside_hand import Hand, hand_at
from tests.services.vault_server import StoredVault, VaultClient

AGE, READING, BLIND = "age", "vault-reading", "vault-blind"
DELETED, ROLLED_BACK = "sink-path-deleted", "sink-rolled-back"


@dataclass(frozen=True)
class Row:
    """One thing that is done to one key, and what is to be found on each desk."""

    act: Callable[[Hand, str], None]
    kinds: dict[str, str | None]
    """The kind by desk; None where nothing is to be found."""
    repairs: dict[str, str | None]
    """The reason of the rotation that mends it, by desk; None where a person decides."""


def everywhere(value: str | None) -> dict[str, str | None]:
    """Give the same for every desk."""
    return dict.fromkeys((AGE, READING, BLIND), value)


def empty_and_bring_back(hand: Hand, path: str) -> None:
    """Delete the latest value and take that back."""
    hand.empty(path)
    hand.bring_back(path)


ROWS: dict[str, Row] = {
    "untouched": Row(lambda hand, path: None, everywhere(None), everywhere(None)),
    "overwritten": Row(
        lambda hand, path: hand.overwrite(path), everywhere("overwritten"), everywhere(None)
    ),
    "rolled-back": Row(
        lambda hand, path: hand.roll_back(path),
        {AGE: "sink-restored", READING: "rolled-back", BLIND: "overwritten"},
        {AGE: None, READING: ROLLED_BACK, BLIND: None},
    ),
    "forgotten": Row(
        lambda hand, path: hand.forget(path), everywhere("path-deleted"), everywhere(DELETED)
    ),
    "emptied": Row(
        lambda hand, path: hand.empty(path), everywhere("value-deleted"), everywhere(DELETED)
    ),
    "brought-back": Row(empty_and_bring_back, everywhere(None), everywhere(None)),
    "destroyed": Row(
        lambda hand, path: hand.destroy(path), everywhere("value-deleted"), everywhere(DELETED)
    ),
}
WORKSPACE = f"""
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {{name: shop}}
    spec: {{admins: ["{principal()}"]}}
"""


def key(name: str, *, generation: int = 1, adopt: int | None = None) -> str:
    """Declare a key of the workspace shop."""
    secret = "" if adopt is None else f"secret: {{adopt: {adopt}}}"
    return f"""
        apiVersion: keyrec/v1
        kind: ApiKey
        metadata: {{name: {name}, workspace: shop, owner: team-{name}}}
        spec:
          environment: prod
          scopes: {{Reviews: read}}
          rotation: {{generation: {generation}}}
          {secret}
    """


def path_of(name: str) -> str:
    """Give a key's path."""
    return f"shop/prod/{name}"


def with_keys(desk: Desk, *names: str) -> Desk:
    """Apply these keys and rotate each once: version 2 is the latest everywhere."""
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    for generation in (1, 2):
        for name in names:
            desk.write(f"keys/shop/{name}.yaml", key(name, generation=generation))
        desk.apply()
    return desk


def blinded(desk: Desk, client: VaultClient, mount: str) -> Desk:
    """Take the right to read secrets from keyrec."""
    policies = [
        client.new_policy(example_policy(name, mount=mount)) for name in ("apply", "apply-destroy")
    ]
    desk.environment["VAULT_TOKEN"] = client.new_token(*policies)
    return desk


@pytest.fixture(params=[AGE, READING, BLIND])
def place(request: pytest.FixtureRequest) -> tuple[str, Desk]:
    """Give each desk in turn, by its name."""
    if request.param == AGE:
        return AGE, request.getfixturevalue("local_desk")
    desk: Desk = request.getfixturevalue("server_desk")
    if request.param == BLIND:
        mount = request.getfixturevalue("vault_mount")
        blinded(desk, request.getfixturevalue("vault_client"), mount)
    return request.param, desk


def found(desk: Desk, *, expect: int = 2) -> dict[str, dict[str, Any]]:
    """Give what `keyrec drift` finds, by the key's name."""
    said = desk.keyrec("drift", "--format", "json", expect=expect)
    return {d["address"].removeprefix("shop/"): d for d in json.loads(said.out)["drift"]}


def adopt(desk: Desk, drifts: dict[str, dict[str, Any]]) -> None:
    """Let keyrec write over what was found, as the advice says."""
    for name, drift in drifts.items():
        assert f"spec.secret.adopt: {drift['seen_version']}" in drift["advice"]
        manifest = key(name, generation=2, adopt=drift["seen_version"])
        desk.write(f"keys/shop/{name}.yaml", manifest)
    desk.apply()


def assert_all_is_well(desk: Desk, names: list[str]) -> None:
    """Nothing is left to find or to do, and every consumer's secret works."""
    assert found(desk, expect=0) == {}
    assert "No maintenance is due." in desk.keyrec("apply", "--maintenance").out
    assert let_in(desk, [desk.secret(path_of(name)) for name in names]) == [True] * len(names)


def test_whatever_is_done_to_a_path_is_found_named_and_mended(place: tuple[str, Desk]) -> None:
    """Every row of the table at once; what maintenance leaves to a person, an adoption mends."""
    name, desk = place
    with_keys(desk, *ROWS)
    works = {row: desk.secret(path_of(row)) for row in ROWS}
    for row, what in ROWS.items():
        what.act(hand_at(desk), path_of(row))

    drifts = found(desk)

    assert {row: drifts.get(row, {}).get("kind") for row in ROWS} == {
        row: what.kinds[name] for row, what in ROWS.items()
    }
    assert {row: drift["repair"] for row, drift in drifts.items()} == {
        row: ROWS[row].repairs[name] for row in drifts
    }
    said = desk.keyrec("apply", "--maintenance", expect=4)
    left = {row: d for row, d in found(desk).items() if d["repair"] is None}
    assert left.keys() == {row for row, d in drifts.items() if d["repair"] is None}
    for row, drift in drifts.items():
        assert drift["message"] in said.everything, row
    mended = sorted(drifts.keys() - left.keys())
    assert let_in(desk, [desk.secret(path_of(row)) for row in mended]) == [True] * len(mended)
    adopt(desk, left)
    assert_all_is_well(desk, list(ROWS))
    assert let_in(desk, works.values()) == [True] * len(works), "their overlap has not passed"
    assert not any(secret in "".join(desk.shown) for secret in works.values())


def test_a_value_that_had_ended_stays_dead_where_it_was_rolled_back(server_desk: Desk) -> None:
    """Retired is final: the consumer is denied until the repair, and works after it."""
    desk = with_keys(server_desk, "a")
    first = desk.reader.client.call(  # type: ignore[attr-defined]  # the Vault desk's reader
        "GET",
        f"{desk.reader.mount}/data/keyrec/{path_of('a')}?version=1",  # type: ignore[attr-defined]
    )["data"]["data"]["api_key"]
    desk.let_overlaps_pass()
    hand_at(desk).roll_back(path_of("a"))
    assert desk.secret(path_of("a")) == first

    desk.keyrec("apply", "--maintenance")

    assert desk.explain(first, expect=2).startswith("Denied (version-retired)")
    desk.keyrec("apply", "--maintenance")  # copies at a path that was changed are destroyed now
    assert_all_is_well(desk, ["a"])


def test_the_right_to_read_metadata_is_enough_to_compare(
    server_desk: Desk, vault_client: VaultClient, vault_mount: str
) -> None:
    """A job without any right to write can watch; what it finds it cannot mend."""
    desk = server_desk
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write("keys/shop/a.yaml", key("a"))
    desk.apply()
    policy = vault_client.new_policy(example_policy("plan", mount=vault_mount))
    desk.environment["VAULT_TOKEN"] = vault_client.new_token(policy)
    assert "1 by version number alone" in desk.keyrec("drift").out
    hand_at(desk).forget(path_of("a"))
    assert found(desk)["a"]["kind"] == "path-deleted"


def test_a_row_that_was_edited_by_hand_is_named(desk: Desk) -> None:
    """Which key; the plan shows what differs from its manifest, and applying it mends it."""
    with_keys(desk, "a", "b")
    desk._move("UPDATE keys SET owner = 'intruder' WHERE name = 'a'")

    assert {name: drift["kind"] for name, drift in found(desk).items()} == {"a": "record-edited"}
    said = desk.keyrec("apply", "--maintenance")

    assert "shop/a: its row in the key store was changed by hand" in said.out
    assert "intruder" in desk.keyrec("plan").out
    desk.apply()
    assert_all_is_well(desk, ["a", "b"])


def test_an_age_folder_that_was_restored_from_a_copy_is_found_and_adopted(
    local_desk: Desk, tmp_path: Path
) -> None:
    """The sink cannot be read, so a person says that it was restored."""
    desk = local_desk
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write("keys/shop/a.yaml", key("a"))
    desk.apply()
    secrets, copy = desk.folder / ".keyrec/secrets", tmp_path / "copy"
    shutil.copytree(secrets, copy, symlinks=True)
    desk.write("keys/shop/a.yaml", key("a", generation=2))
    desk.apply()
    shutil.rmtree(secrets)
    shutil.copytree(copy, secrets, symlinks=True)

    drifts = found(desk)

    assert (drifts["a"]["kind"], drifts["a"]["seen_version"]) == ("sink-restored", 1)
    said = desk.keyrec("apply", "--maintenance", expect=4)
    assert "probably brought back to an older state" in said.everything
    adopt(desk, drifts)
    assert_all_is_well(desk, ["a"])


def copied_while_down(server: StoredVault, source: Path, copy: Path) -> None:
    """Stop the server, put a copy of one folder in the other's place, start it again."""
    server.stop()
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    server.start()
    server.unseal()


@pytest.mark.parametrize("reads", [True, False])
def test_a_vault_that_was_restored_from_an_older_day_is_found_and_mended(
    tmp_path: Path, postgres_url: str, stored_vault: StoredVault, reads: bool
) -> None:
    """Proven secrets are rotated; where nothing may be read a person says that it was restored."""
    client = stored_vault.client
    mount = client.new_mount()
    desk = vault_desk(
        tmp_path, postgres_url=postgres_url, program=stored_vault.binary, client=client, mount=mount
    )
    desk.keyrec("init", *desk.init)
    if not reads:
        blinded(desk, client, mount)
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    for name in ("a", "b"):
        desk.write(f"keys/shop/{name}.yaml", key(name))
    desk.apply()
    copied_while_down(stored_vault, stored_vault.folder / "data", tmp_path / "snapshot")
    for name in ("a", "b"):
        desk.write(f"keys/shop/{name}.yaml", key(name, generation=2))
    desk.write("keys/shop/c.yaml", key("c", generation=2))
    desk.apply()
    copied_while_down(stored_vault, tmp_path / "snapshot", stored_vault.folder / "data")

    drifts = found(desk)

    assert {name: drift["kind"] for name, drift in drifts.items()} == {
        "a": "sink-restored",
        "b": "sink-restored",
        "c": "path-deleted",
    }
    desk.keyrec("apply", "--maintenance", expect=0 if reads else 4)
    if not reads:
        adopt(desk, found(desk))
    assert_all_is_well(desk, ["a", "b", "c"])
