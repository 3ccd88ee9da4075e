"""`keyrec init`: everything a first plan needs, made once."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from reconciler.adapters.sql_store import SqlStore
from reconciler.bootstrap import doors
from tests.fakes.command_line import CommandLine
from tests.fakes.system import FakeClock

POLICY = "keys/policy.yaml"
KEY = "keys/demo/hello-dev.yaml"


def test_an_empty_folder_gets_everything_that_a_first_plan_needs(keyrec: CommandLine) -> None:
    """Configuration, store, identity, policy, an example, and no question asked."""
    answer = keyrec("init")
    assert answer.code == 0
    made = [line.split()[1] for line in answer.out.splitlines() if line.startswith("made")]
    assert made == [
        "keyrec.yaml",
        ".gitignore",
        "key",
        str(keyrec.identity),
        ".keyrec/secrets/",
        "policy/default",
        POLICY,
        "schemas/v1/manifest.schema.json",
        "keys/demo/workspace.yaml",
        KEY,
    ]
    assert "keyrec plan" in answer.err


def test_a_second_init_keeps_everything(started: CommandLine) -> None:
    """Not one byte of any file changes, and nothing is said to be made."""
    before = {p: p.read_bytes() for p in started.folder.rglob("*.yaml")}
    identity = started.identity.read_bytes()
    answer = started("init")
    assert answer.code == 0
    assert "made" not in answer.out
    assert {p: p.read_bytes() for p in started.folder.rglob("*.yaml")} == before
    assert started.identity.read_bytes() == identity


def test_the_identity_stands_outside_of_the_folder_for_its_owner_alone(
    started: CommandLine,
) -> None:
    """Who clones the repository gets no way to read its secrets."""
    assert not started.identity.is_relative_to(started.folder)
    assert stat.S_IMODE(started.identity.stat().st_mode) == 0o600


def test_the_identitys_secret_part_is_not_shown(keyrec: CommandLine) -> None:
    """Only its public key is for other eyes."""
    answer = keyrec("init")
    assert "age1" in answer.out
    assert "AGE-SECRET" not in answer.both


def test_an_identity_that_is_there_is_used(keyrec: CommandLine) -> None:
    """A second repository of the same person needs no second identity."""
    assert keyrec("init").code == 0
    identity = keyrec.identity.read_bytes()
    (keyrec.folder / "keyrec.yaml").unlink()
    other = keyrec.folder.parent / "other"
    other.mkdir()
    answer = keyrec("-C", str(other), "init")
    assert answer.code == 0
    assert f"kept  {keyrec.identity}" in answer.out
    assert keyrec.identity.read_bytes() == identity


def test_the_policys_manifest_says_what_the_store_holds(started: CommandLine) -> None:
    """The first plan finds the example to create, and no change of the policy."""
    answer = started("plan", "--format", "json")
    assert [c["address"] for c in answer.json["changes"]] == ["workspace/demo", "demo/hello-dev"]


def test_what_init_writes_is_valid(started: CommandLine) -> None:
    """`validate` finds nothing in it."""
    answer = started("validate")
    assert (answer.code, answer.out) == (0, "3 documents in 3 files are valid.\n")


def test_the_examples_first_line_leads_to_its_schema(started: CommandLine) -> None:
    """An editor completes the first manifest at once."""
    first = (started.folder / KEY).read_text().splitlines()[0]
    way = first.removeprefix("# yaml-language-server: $schema=")
    assert (started.folder / KEY).parent.joinpath(way).resolve().is_file()


def test_no_example_joins_manifests_that_stand(keyrec: CommandLine) -> None:
    """Who has manifests gets the policy's, and nothing invented."""
    keyrec.write(
        "keys/a.yaml", "apiVersion: keyrec/v1\nkind: Workspace\nmetadata: {name: payments}\n"
    )
    answer = keyrec("init")
    assert answer.code == 0
    assert sorted(p.name for p in keyrec.folder.rglob("keys/**/*.yaml")) == [
        "a.yaml",
        "policy.yaml",
    ]


def test_a_declared_policy_is_not_declared_twice(keyrec: CommandLine) -> None:
    """The manifest that stands decides, with the next apply."""
    keyrec.write("keys/p.yaml", "apiVersion: keyrec/v1\nkind: Policy\nmetadata: {name: default}\n")
    assert keyrec("init").code == 0
    assert not (keyrec.folder / POLICY).exists()


def test_gitignore_keeps_its_lines_and_gets_ours_once(keyrec: CommandLine) -> None:
    """Store and secrets never reach git."""
    keyrec.write(".gitignore", "*.log")
    keyrec("init")
    keyrec("init")
    assert (keyrec.folder / ".gitignore").read_text() == "*.log\n.keyrec/\n"


def test_the_owner_is_named_after_the_folder_or_as_told(keyrec: CommandLine) -> None:
    """The manager marks what this repository owns."""
    assert "belong to platform-keys" in keyrec("init").out
    (keyrec.folder / "keyrec.yaml").unlink()
    assert "belong to payments" in keyrec("init", "--manager", "payments").out


def test_an_init_that_was_cut_short_is_finished_by_the_next(keyrec: CommandLine) -> None:
    """Each step looks first: what an interrupted run left is kept."""
    keyrec.write("keyrec.yaml", "apiVersion: keyrec/v1\nkind: Config\nmanager: mine\n")
    folder = keyrec.folder / ".keyrec" / "secrets"
    folder.mkdir(mode=0o700, parents=True)
    assert keyrec("init").code == 0
    assert keyrec("apply", "--auto-approve").code == 0


def test_init_does_not_change_the_sink_of_a_store_that_has_one(started: CommandLine) -> None:
    """Another sink is a change of the policy, by a platform admin."""
    answer = started("init", "--sink", "vault")
    assert answer.code == 3
    assert "The store's policy names age as its sink" in answer.err


def test_vault_without_an_address_is_refused_with_the_way_out(keyrec: CommandLine) -> None:
    """Nothing is pinned where nothing answers; the next init goes on."""
    answer = keyrec("init", "--sink", "vault")
    assert answer.code == 1
    assert "VAULT_ADDR" in answer.err
    assert "policy/default" not in answer.out


def test_another_manager_of_a_shared_store_gets_no_second_policy(started: CommandLine) -> None:
    """One store has one policy, declared by one repository."""
    other = started.folder.parent / "team"
    other.mkdir()
    store = started.folder / ".keyrec" / "keys.db"
    answer = started("-C", str(other), "init", "--manager", "team")
    assert answer.code == 0
    started.set(KEYREC_STORE_URL=f"sqlite:///{store}")
    third = started.folder.parent / "third"
    third.mkdir()
    answer = started("-C", str(third), "init", "--manager", "third")
    assert answer.code == 0
    assert "kept  policy/default" in answer.out
    assert not (third / POLICY).exists()


def test_the_way_back_to_an_older_form_is_a_platform_admins(started: CommandLine) -> None:
    """In mode local that is whoever the policy names; nobody else loses what form 2 alone says."""
    database = started.folder / ".keyrec" / "keys.db"
    before = rows(database)
    started.monkeypatch.setattr(doors, "principal", lambda: "local:mallory")
    answer = started("init", "--store-form", "1")
    assert answer.code == 5
    assert "local:mallory is no platform admin in the store" in answer.err
    assert rows(database) == before
    started.monkeypatch.undo()


def test_a_store_without_a_policy_has_no_platform_admin_to_ask(keyrec: CommandLine) -> None:
    """What a cut short init left can be brought back; there is nothing to lose in it yet."""
    keyrec.write("keyrec.yaml", "apiVersion: keyrec/v1\nkind: Config\nmanager: mine\n")
    url = f"sqlite:///{keyrec.folder / '.keyrec' / 'keys.db'}"
    (keyrec.folder / ".keyrec").mkdir(mode=0o700)
    store = SqlStore(url, clock=FakeClock())
    store.migrate()
    store.close()
    assert keyrec("init", "--store-form", "1").code == 0
    assert keyrec("init").code == 0


def test_where_there_is_no_store_nothing_is_brought_back(keyrec: CommandLine) -> None:
    """Nor made."""
    keyrec.write("keyrec.yaml", "apiVersion: keyrec/v1\nkind: Config\nmanager: mine\n")
    assert keyrec("init", "--store-form", "1").code == 1
    assert not (keyrec.folder / ".keyrec").exists()


def rows(database: Path) -> list[str]:
    """Give everything that the store holds."""
    with closing(sqlite3.connect(database)) as opened:
        return list(opened.iterdump())


def test_an_identity_is_made_in_protected_memory(keyrec: CommandLine) -> None:
    """No core dump will hold it."""
    keyrec("init")
    assert keyrec.hardened == 1
