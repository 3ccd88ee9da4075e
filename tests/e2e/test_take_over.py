"""Keys and paths of others come under management by a line in a manifest, on both pairs."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from tests.e2e.desk import AgeReader, Desk, VaultReader, principal

WORKSPACE = f"""
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {{name: shop}}
    spec: {{admins: ["{principal()}"]}}
"""
KEY = """
    apiVersion: keyrec/v1
    kind: ApiKey
    metadata: {name: a, workspace: shop, owner: "yes"}
    spec:
      environment: prod
      scopes: {Reviews: read}
"""
FILE = "keys/shop/a.yaml"
PATH = "shop/prod/a"


def stranger_writes(desk: Desk) -> None:
    """Write something to the key's path with the sink's own means."""
    match desk.reader:
        case VaultReader() as vault:
            where = f"{vault.mount}/data/{vault.prefix}/{PATH}"
            vault.client.call("POST", where, {"data": {"api_key": "a stranger's"}})
        case AgeReader() as age:
            pointer = age.secrets / f"{PATH}.age"
            pointer.parent.mkdir(parents=True, exist_ok=True)
            numbers = [int(f.suffixes[-2][1:]) for f in pointer.parent.glob("a.*.age")]
            target = pointer.with_name(f"a.{max(numbers, default=0) + 1}.age")
            if numbers:
                shutil.copy(pointer.with_name(f"a.{max(numbers)}.age"), target)
            else:
                target.write_bytes(b"not even age")
            pointer.unlink(missing_ok=True)
            pointer.symlink_to(target.name)
        case _:
            raise AssertionError("there are two kinds of desk")


def second_repository(desk: Desk) -> Desk:
    """Give a repository of another manager on the same store and sink."""
    folder = desk.folder.parent / "second"
    (folder / "keys").mkdir(parents=True)
    config = (desk.folder / "keyrec.yaml").read_text()
    config = config.replace(f"manager: {desk.folder.name}", "manager: second")
    shared = f"../{desk.folder.name}/.keyrec/"
    (folder / "keyrec.yaml").write_text(config.replace(".keyrec/", shared))
    return replace(desk, folder=folder)


def say_in_store(desk: Desk, statement: str) -> None:
    """Change a row by hand, as an import does."""
    engine = create_engine(desk.store_url.replace("sqlite:///", f"sqlite:///{desk.folder}/"))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def applied(desk: Desk) -> Desk:
    """Give a desk with one key applied."""
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write(FILE, KEY)
    desk.apply()
    return desk


def test_a_path_that_a_stranger_wrote_to_is_blocked_then_adopted_and_works(applied: Desk) -> None:
    """The lines that `adopt` prints, pasted; one new secret, and nothing left to plan."""
    first = applied.secret(PATH)
    for _ in range(2):
        stranger_writes(applied)
    applied.edit(
        FILE, "scopes: {Reviews: read}", "scopes: {Reviews: read}\n  rotation: {generation: 2}"
    )
    blocked = applied.apply(expect=4)
    assert "at version 3 in the sink, which keyrec did not write" in blocked.everything
    assert "spec: {secret: {adopt: 3}}" in blocked.everything

    lines = applied.keyrec("adopt", "shop/a").out.splitlines()
    assert lines == ["spec:", "  secret:", "    adopt: 3"]
    with (applied.folder / FILE).open("a") as manifest:
        manifest.write("\n".join(lines[1:]) + "\n")

    assert "& adopt      version 3 of shop/prod/a is written over" in applied.keyrec("plan").out
    applied.apply()
    second = applied.secret(PATH)
    for secret in (first, second):
        assert applied.explain(secret).startswith("Allowed")
    assert applied.keyrec("plan").out.startswith("No changes.")
    assert "nothing to adopt" in applied.keyrec("adopt", "a").err


def test_a_new_key_takes_a_path_that_was_a_strangers(desk: Desk) -> None:
    """Looked for before the key is there; in the apply that creates it."""
    stranger_writes(desk)
    stranger_writes(desk)
    desk.write("keys/shop/workspace.yaml", WORKSPACE)
    desk.write(FILE, KEY)
    assert desk.keyrec("adopt", "shop/a").out.endswith("    adopt: 2\n")

    desk.apply(expect=4)
    desk.edit(FILE, "environment: prod", "environment: prod\n  secret: {adopt: 2}")
    desk.apply()

    assert desk.explain(desk.secret(PATH)).startswith("Allowed")
    assert desk.keyrec("plan").out.startswith("No changes.")


def test_a_key_that_nobody_manages_is_adopted_and_goes_on(applied: Desk) -> None:
    """As an import by hand leaves it: no manager."""
    secret = applied.secret(PATH)
    say_in_store(applied, "UPDATE keys SET manager = NULL")
    assert "write in its metadata: adopt: true" in applied.keyrec("plan", expect=5).out

    applied.edit(FILE, "workspace: shop,", "workspace: shop, adopt: true,")
    assert "& adopt      nobody's until now" in applied.keyrec("plan").out
    applied.apply()

    assert applied.keyrec("plan").out.startswith("No changes.")
    assert applied.secret(PATH) == secret
    assert applied.explain(secret).startswith("Allowed")


def test_a_key_moves_from_one_repository_to_another(applied: Desk) -> None:
    """Exported there, adopted there, refused here until it is gone here, and never pruned."""
    second, secret = second_repository(applied), applied.secret(PATH)

    second.keyrec("export", "--manager", "work", "--out", ".")
    assert "& adopt      managed by work until now" in second.keyrec("plan").out
    second.apply()

    assert second.keyrec("plan").out.startswith("No changes. 1 key matches.")
    assert "is managed by second" in applied.keyrec("plan", expect=5).out
    (applied.folder / FILE).unlink()
    applied.apply()
    assert "1 key of other owners is left alone." in applied.keyrec("plan").out
    assert applied.explain(secret).startswith("Allowed")
    assert "formerManager: work" in second.keyrec("history", "a").out

    second.edit("keys/shop/a.yaml", "  scopes:", "  rotation: {generation: 2}\n  scopes:")
    second.apply()
    assert second.explain(second.secret(PATH)).startswith("Allowed")
    assert second.keyrec("export").out.count("generation: 2") == 1


def test_a_backup_of_the_manifests_plans_as_nothing(applied: Desk) -> None:
    """Everything of this manager, exported, in place of what was written by hand."""
    applied.keyrec("export", "--with-resources", "--out", "copy")
    shutil.rmtree(applied.folder / "keys")
    (applied.folder / "copy/keys").rename(applied.folder / "keys")
    assert applied.keyrec("plan").out.startswith("No changes. 1 key matches.")
