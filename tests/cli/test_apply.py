"""`keyrec apply`: planned again, approved, done, reported."""

from __future__ import annotations

import pytest

from reconciler.bootstrap import doors
from reconciler.cli.main import run
from tests.fakes.command_line import CommandLine

KEY = "keys/demo/hello-dev.yaml"


def digest_of(keyrec: CommandLine) -> str:
    """Give the digest of the plan made now."""
    digest: str = keyrec("plan", "-json").json["digest"]
    return digest


def test_an_applied_key_is_in_the_sink_and_works(started: CommandLine) -> None:
    """The secret goes straight to its path, and is what `explain` accepts."""
    answer = started("apply", "--auto-approve")
    assert answer.code == 0
    assert "Applied 2, failed 0" in answer.out
    secret = started.secret_at("demo/dev/hello-dev")
    assert secret.startswith("krk_dev_")
    assert secret not in answer.both
    assert started("explain", "--scope", "Reviews:read", stdin=secret).code == 0


def test_a_run_protects_its_memory_first(started: CommandLine) -> None:
    """No core dump will hold a secret."""
    before = started.hardened
    started("plan")
    assert started.hardened == before
    started("apply", "--auto-approve")
    assert started.hardened == before + 1


def test_a_second_apply_has_nothing_to_do_and_asks_nobody(applied: CommandLine) -> None:
    """`No changes.`, exit 0, also without approval and terminal."""
    answer = applied("apply")
    assert (answer.code, answer.out, answer.err) == (0, "No changes. 1 key matches.\n", "")


def test_without_approval_and_terminal_nothing_is_applied(started: CommandLine) -> None:
    """A pipeline that forgot to approve is refused, with the way to approve this very plan."""
    digest = digest_of(started)
    answer = started("apply")
    assert answer.code == 5
    assert f"--expect-digest {digest}" in answer.err
    assert started("status").out == "No keys.\n"


@pytest.mark.parametrize("said", ["y\n", "yes\n", "YES\n"])
def test_a_person_who_says_yes_is_obeyed(started: CommandLine, said: str) -> None:
    """The question stands on stderr."""
    answer = started("apply", typed=said)
    assert answer.code == 0
    assert answer.err.startswith("Apply this plan? [y/N] ")


@pytest.mark.parametrize("said", ["n\n", "\n", "", "apply\n"])
def test_everything_but_a_yes_is_a_no(started: CommandLine, said: str) -> None:
    """Exit code 8, nothing applied."""
    answer = started("apply", typed=said)
    assert answer.code == 8
    assert started("status").out == "No keys.\n"


def test_ci_is_nobody_to_ask(started: CommandLine) -> None:
    """A job with a pseudo-terminal would wait for ever."""
    started.set(CI="true")
    assert started("apply", typed="y\n").code == 5


def test_a_saved_plan_approves_what_it_shows(started: CommandLine) -> None:
    """The file is the approval; the plan is made anew."""
    started("plan", "-out", "plan.json")
    assert started("apply", "plan.json").code == 0
    assert started("plan").out == "No changes. 1 key matches.\n"


def test_a_digest_approves_as_well(started: CommandLine) -> None:
    """What was reviewed as text is named by its digest."""
    assert started("apply", "--expect-digest", digest_of(started)).code == 0


def test_a_plan_that_differs_from_the_saved_one_is_refused_with_the_difference(
    started: CommandLine,
) -> None:
    """Exit code 6, nothing applied."""
    started("plan", "-o", "plan.json")
    started.change(KEY, "Reviews: read", "Reviews: operate")
    answer = started("apply", "plan.json")
    assert answer.code == 6
    assert "~ differs: demo/hello-dev" in answer.err
    assert started("status").out == "No keys.\n"


def test_another_digest_is_refused_even_with_auto_approve(started: CommandLine) -> None:
    """The stricter approval counts."""
    answer = started("apply", "--auto-approve", "--expect-digest", "sha256:0")
    assert answer.code == 6
    assert digest_of(started) in answer.err


def test_an_approval_of_changes_is_no_approval_of_none(applied: CommandLine) -> None:
    """An old plan applied twice says that it is old."""
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    applied("plan", "-o", "plan.json")
    assert applied("apply", "plan.json").code == 0
    assert applied("apply", "plan.json").code == 6


def test_detailed_exitcode_tells_applied_changes_by_2(started: CommandLine) -> None:
    """0 afterwards: nothing was declared any more."""
    assert started("apply", "--auto-approve", "--detailed-exitcode").code == 2
    assert started("apply", "--auto-approve", "--detailed-exitcode").code == 0


def test_who_is_no_admin_applies_nothing(started: CommandLine) -> None:
    """Judged by what the store held before."""
    started.monkeypatch.setattr(doors, "principal", lambda: "local:guest")
    answer = started("apply", "--auto-approve")
    assert answer.code == 5
    assert "local:guest" in answer.err
    assert started("status").out == "No keys.\n"


def test_problems_against_the_store_are_told_once(applied: CommandLine) -> None:
    """In the plan as text, in the error as JSON; exit code 3."""
    applied.change(KEY, "expiration: 30d", "expiration: 90d")
    answer = applied("apply", "--auto-approve")
    assert answer.code == 3
    assert answer.both.count("the expiration of demo/hello-dev is 30d") == 1
    document = applied("apply", "--auto-approve", "-json").json
    assert [p["code"] for p in document["problems"]] == ["expiration-immutable"]


def test_a_sink_that_is_not_there_fails_keys_and_stops_nothing_else(
    started: CommandLine,
) -> None:
    """Exit code 4; the next run finishes."""
    started.set(KEYREC_AGE_DIRECTORY=str(started.folder / "nowhere"))
    answer = started("apply", "--auto-approve")
    assert answer.code == 4
    assert "failed" in answer.out
    started.set(KEYREC_AGE_DIRECTORY=str(started.folder / ".keyrec" / "secrets"))
    assert started("apply", "--auto-approve").code == 0
    assert started("plan").out == "No changes. 1 key matches.\n"


def test_ending_access_needs_no_sink(applied: CommandLine) -> None:
    """A sealed vault keeps no key alive."""
    applied.change(KEY, "environment: dev", "environment: dev\n  active: false")
    applied.change("keyrec.yaml", ".keyrec/secrets", "nowhere")
    assert applied("apply", "--auto-approve").code == 0
    assert "inactive" in applied("status").out


def test_a_raised_generation_rotates_and_the_previous_secret_works_on(
    applied: CommandLine,
) -> None:
    """Both are accepted until the overlap has passed."""
    old = applied.secret_at("demo/dev/hello-dev")
    applied.change(KEY, "every: 7d", "generation: 2")
    assert applied("apply", "--auto-approve").code == 0
    new = applied.secret_at("demo/dev/hello-dev")
    assert new != old
    assert applied("explain", stdin=new).code == 0
    assert applied("explain", stdin=old).code == 0


def test_maintenance_without_anything_due_says_so(applied: CommandLine) -> None:
    """For cron: 0, also with --detailed-exitcode."""
    answer = applied("apply", "--maintenance", "--detailed-exitcode")
    assert (answer.code, answer.out) == (0, "No maintenance is due.\n")


def test_maintenance_does_what_is_due_without_asking_and_reads_no_manifest(
    applied: CommandLine,
) -> None:
    """Ended copies are destroyed; a manifest that is broken meanwhile does not matter."""
    assert applied("rotate", "hello-dev", "--leaked").code == 0
    applied.write("keys/broken.yaml", "a: [")
    answer = applied("apply", "--maintenance", "--detailed-exitcode")
    assert answer.code == 2
    assert "destroy" in answer.err
    assert applied("apply", "--maintenance", "--detailed-exitcode").code == 0


def test_due_maintenance_goes_with_an_apply_without_changes(applied: CommandLine) -> None:
    """Nothing declared is approved by it, so nobody is asked; it is no change either."""
    assert applied("rotate", "hello-dev", "--leaked").code == 0
    answer = applied("apply", "--detailed-exitcode")
    assert answer.code == 0
    assert "Maintenance: applied 1" in answer.out


def test_maintenance_takes_no_approval(applied: CommandLine) -> None:
    """It applies nothing that a digest could name."""
    assert applied("apply", "--maintenance", "--expect-digest", "sha256:0").code == 3


def test_json_of_an_apply_without_changes_is_an_empty_report(applied: CommandLine) -> None:
    """A program reads one form in any case."""
    document = applied("apply", "-json").json
    assert (document["outcomes"], document["exit"]) == ([], "done")


def test_a_run_that_holds_the_lease_is_waited_for_and_then_named(applied: CommandLine) -> None:
    """Exit code 7 after --lock-timeout."""
    place = doors.open_store(_settings(applied))
    place.acquire_lease("platform-keys", holder="somebody else", run_id="1")
    place.close()
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    answer = applied("apply", "--auto-approve", "--lock-timeout", "0s")
    assert answer.code == 7
    assert "somebody else" in answer.err


def _settings(keyrec: CommandLine):
    from reconciler.bootstrap.configuration import find_configuration

    return find_configuration(None).settings


def test_manifests_of_a_revision_are_applied_from_gits_objects(applied: CommandLine) -> None:
    """The working tree does not take part."""
    import subprocess

    def git(*argv: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
        subprocess.run(
            ["git", *identity, *argv], cwd=applied.folder, check=True, capture_output=True
        )

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    assert applied("plan", "--revision", "HEAD").out == "No changes. 1 key matches.\n"
    assert applied("plan", "--detailed-exitcode").code == 2
    assert applied("plan", "--revision", "nowhere").code == 1


def test_a_store_that_changes_between_the_yes_and_the_run_is_told_with_the_difference(
    applied: CommandLine,
) -> None:
    """What was approved is what runs, or nothing does: exit code 6."""
    from reconciler.cli import applying

    def answer_late(_: str) -> bool:
        applied.change(KEY, "Reviews: operate", "Webhooks: read")
        assert run(["-q", "apply", "--auto-approve"]) == 0
        applied.change(KEY, "Webhooks: read", "Reviews: operate")
        return True

    applied.change(KEY, "Reviews: read", "Reviews: operate")
    applied.monkeypatch.setattr(applying, "has_said_yes", answer_late)
    answer = applied("apply", typed="")
    assert answer.code == 6
    assert "the store holds another state of it than was approved" in answer.err
    assert applied("get", "hello-dev", "-json").json["key"]["fields"]["scopes"] == {
        "Webhooks": "read"
    }


VAULT = """\
  sink: {kind: vault, identity: "vault:another/secret:keyrec", mount: secret, prefix: keyrec}
"""


def test_a_certificate_that_is_not_checked_is_told_before_anything_is_sent(
    applied: CommandLine,
) -> None:
    """Whoever set the variable long ago reads it again with every run; a plan sends nothing."""
    policy = applied.folder / "keys" / "policy.yaml"
    policy.write_text(policy.read_text().partition("  sink:\n")[0] + VAULT)
    assert applied("apply", "--auto-approve").code == 0
    applied.set(VAULT_ADDR="https://127.0.0.1:1", VAULT_SKIP_VERIFY="1", VAULT_MAX_RETRIES="0")
    warning = "Warning: VAULT_SKIP_VERIFY is set: the server's certificate is NOT checked"
    assert warning not in applied("plan").err
    assert applied("apply", "--auto-approve").err.count(warning) == 1
    assert applied("rotate", "hello-dev").err.count(warning) == 1


def test_a_run_shows_its_effects_to_whoever_wants_to_know(started: CommandLine) -> None:
    """In their order, on stderr, with paths and kinds of writes and no secret."""
    answer = started("apply", "--auto-approve", "-vv")
    assert told(answer.err) == [
        "effect 1: store acquire_lease",
        "effect 2: store commit PutResource",
        "effect 3: store commit BeginSecret",
        "effect 4: sink write demo/dev/hello-dev",
        "effect 5: store commit ConfirmSecret",
        "effect 6: sink write_anchor",
        "effect 7: store release_lease",
    ]
    assert started.secret_at("demo/dev/hello-dev") not in answer.both


def test_an_apply_with_nothing_to_do_tells_the_sink_what_it_does_not_know(
    applied: CommandLine,
) -> None:
    """A stop needs no sink; the next run writes the anchor, and the one after it nothing."""
    applied("hold", "hello-dev", "--reason", "strange traffic")
    effects = [told(applied("apply", "--auto-approve", "-vv").err) for _ in range(2)]
    assert effects == [
        [
            "effect 1: store acquire_lease",
            "effect 2: sink write_anchor",
            "effect 3: store release_lease",
        ],
        [],
    ]


def told(err: str) -> list[str]:
    """Give the lines that tell of effects."""
    return [line for line in err.splitlines() if line.startswith("effect ")]


def test_effects_are_not_shown_unasked(started: CommandLine) -> None:
    """One -v is for people who look at keys."""
    assert "effect" not in started("apply", "--auto-approve", "-v").err
