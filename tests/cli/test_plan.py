"""`keyrec plan` and `keyrec show`: what apply would do, and nothing done."""

from __future__ import annotations

import json

import pytest

from tests.fakes.command_line import CommandLine

KEY = "keys/demo/hello-dev.yaml"
SECOND = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: second-dev, workspace: demo}
spec: {environment: dev, scopes: {Webhooks: read}}
"""


def test_a_plan_shows_what_would_be_done_and_its_digest(started: CommandLine) -> None:
    """Text for people, on stdout alone."""
    answer = started("plan")
    assert (answer.code, answer.err) == (0, "")
    assert "keys/demo/hello-dev.yaml:2  demo/hello-dev  WIDEN\n  + create" in answer.out
    assert "Plan: 1 to create" in answer.out
    assert "Digest: sha256:" in answer.out


def test_planning_twice_gives_the_same_digest_and_changes_nothing(started: CommandLine) -> None:
    """A plan only reads; what it is bound to did not move."""
    first, second = (started("plan", "-json").json for _ in range(2))
    assert first["digest"] == second["digest"]
    assert started("status").out == "No keys.\n"
    assert list((started.folder / ".keyrec" / "secrets").glob("**/*.age")) == []


def test_an_applied_state_plans_no_changes(applied: CommandLine) -> None:
    """The sentence that people look for."""
    answer = applied("plan", "--detailed-exitcode")
    assert (answer.code, answer.out) == (0, "No changes. 1 key matches.\n")


def test_detailed_exitcode_tells_changes_by_2(started: CommandLine) -> None:
    """A pipeline asks the exit code."""
    assert started("plan", "-detailed-exitcode").code == 2
    assert started("plan").code == 0


def test_a_plan_needs_no_sink(applied: CommandLine) -> None:
    """A job of a pull request has no way to the secrets."""
    applied.set(KEYREC_AGE_DIRECTORY="/nowhere")
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    assert applied("plan", "--detailed-exitcode").code == 2


@pytest.mark.parametrize(
    ("flags", "planned"),
    [
        ((), ["demo/hello-dev", "demo/second-dev"]),
        (("--target", "*/second*"), ["demo/second-dev"]),
        (("--exclude", "demo/second-dev"), ["demo/hello-dev"]),
        (("--target", "demo/*", "--exclude", "*/second*"), ["demo/hello-dev"]),
    ],
)
def test_a_plan_can_look_at_a_part(
    applied: CommandLine, flags: tuple[str, ...], planned: list[str]
) -> None:
    """Globs over addresses choose and leave out."""
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    applied.write("keys/demo/second-dev.yaml", SECOND)
    answer = applied("plan", "-json", *flags)
    assert [change["address"] for change in answer.json["changes"]] == planned


def test_a_manifest_that_cannot_follow_the_store_ends_with_3(applied: CommandLine) -> None:
    """The expiration is set at creation and never edited."""
    applied.change(KEY, "expiration: 30d", "expiration: 90d")
    answer = applied("plan")
    assert answer.code == 3
    assert "keys/demo/hello-dev.yaml:13:15: error: the expiration of demo/hello-dev" in answer.out


def test_an_invalid_manifest_ends_with_3_and_its_place(applied: CommandLine) -> None:
    """All problems are told before anything is planned."""
    applied.change(KEY, "Reviews: read", "Reviews: write")
    answer = applied("plan")
    assert answer.code == 3
    assert "keys/demo/hello-dev.yaml:12:14: error:" in answer.err
    assert applied("plan", "-json").json["problems"][0]["source"]["line"] == 12


def test_a_guard_refuses_with_5_until_the_count_is_stated(applied: CommandLine) -> None:
    """More than a few removals at once want their number."""
    for number in range(3):
        text = SECOND.replace("second-dev", f"key-{number}").replace("read", "change")
        applied.write(f"keys/demo/{number}.yaml", text)
    assert applied("apply", "--auto-approve").code == 0
    for number in range(3):
        (applied.folder / f"keys/demo/{number}.yaml").unlink()
    answer = applied("plan")
    assert answer.code == 5
    assert "--allow-removals 3" in answer.out
    assert applied("plan", "--allow-removals", "3").code == 0
    assert applied("plan", "--allow-removals", "2").code == 5


def test_who_may_not_apply_is_told_while_planning(applied: CommandLine) -> None:
    """A remark on stderr; planning is everybody's."""
    from reconciler.bootstrap import doors

    applied.change(KEY, "Reviews: read", "Reviews: operate")
    applied.monkeypatch.setattr(doors, "principal", lambda: "local:guest")
    answer = applied("plan")
    assert answer.code == 0
    assert "local:guest is no admin of the workspace demo" in answer.err


def test_a_saved_plan_shows_the_same_as_the_plan_did(started: CommandLine) -> None:
    """`show` needs neither configuration nor store."""
    planned = started("plan", "-o", "plan.json")
    (started.folder / "keyrec.yaml").unlink()
    assert started("show", "plan.json").out == planned.out
    assert started("show", "plan.json", "-json").json == json.loads(
        (started.folder / "plan.json").read_text()
    )


def test_show_tells_how_two_plans_differ(started: CommandLine) -> None:
    """Address by address."""
    started("plan", "-o", "old.json")
    started.change(KEY, "Reviews: read", "Reviews: operate")
    started("plan", "-o", "new.json")
    answer = started("show", "old.json", "new.json")
    assert answer.code == 0
    assert "~ differs: demo/hello-dev" in answer.out
    assert started("show", "old.json", "old.json").out == "Both plans declare the same.\n"
    assert started("show", "old.json", "new.json", "-json").code == 3


@pytest.mark.parametrize("text", [None, "{}", "no json", b"\xff"])
def test_a_file_that_is_no_plan_is_refused_with_3(
    keyrec: CommandLine, text: str | bytes | None
) -> None:
    """Missing, foreign, damaged: one sentence."""
    if text is not None:
        content = text if isinstance(text, bytes) else text.encode()
        (keyrec.folder / "plan.json").write_bytes(content)
    answer = keyrec("show", "plan.json")
    assert answer.code == 3
    assert "plan.json" in answer.err


def test_a_plan_that_cannot_be_saved_is_an_error(started: CommandLine) -> None:
    """Nobody approves a plan that is not there."""
    answer = started("plan", "-o", "no/such/folder.json")
    assert answer.code == 3
    assert "cannot be written" in answer.err


def test_without_a_store_the_way_to_one_is_named(keyrec: CommandLine) -> None:
    """`init` is the advice."""
    keyrec.write("keyrec.yaml", "apiVersion: keyrec/v1\nkind: Config\nmanager: mine\n")
    (keyrec.folder / "keys").mkdir()
    answer = keyrec("plan")
    assert answer.code == 1
    assert "keyrec init" in answer.err
    assert not (keyrec.folder / ".keyrec").exists()
