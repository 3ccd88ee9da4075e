"""The review at the command line: shown in every form, able to refuse, never got around."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command_line import CommandLine

KEY = "keys/demo/hello-dev.yaml"
OPEN = ("    Reviews: read\n", "    Reviews: read\n    Credentials: change\n")


def plan_of(keyrec: CommandLine, *arguments: str) -> dict[str, Any]:
    """Give the plan as JSON."""
    found: dict[str, Any] = keyrec("plan", "-json", *arguments).json
    return found


def widened(keyrec: CommandLine) -> CommandLine:
    """Let the first key change credentials, which is critical."""
    keyrec.change(
        KEY,
        "Reviews: read",
        "{Reviews: read, Credentials: change}".strip("{}").replace(", ", "\n    "),
    )
    return keyrec


def test_a_plan_says_who_gains_what_and_which_rule_says_so(applied: CommandLine) -> None:
    """Verdict behind the address, findings below, their count at the end."""
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    answer = applied("plan")
    assert answer.code == 0
    assert "demo/hello-dev (…" in answer.out
    assert ")  WIDEN\n" in answer.out
    assert "! high     AK101  gains Reviews:operate" in answer.out
    assert "\nFindings: 0 critical, " in answer.out


def test_a_critical_finding_refuses_the_plan_and_its_apply(applied: CommandLine) -> None:
    """Exit code 5, and nothing is done; every form is still written."""
    widened(applied)
    for form in ("text", "json", "markdown", "html", "sarif", "github", "gitlab"):
        answer = applied("plan", "--format", form, "-o", "plan.json")
        assert (answer.code, bool(answer.out)) == (5, True), form
        assert "AK101" in answer.out
    refused = applied("apply", "--auto-approve")
    assert refused.code == 5
    assert "gains Credentials:change (AK101, critical)" in refused.err
    assert plan_of(applied)["summary"]["update"] == 1


def test_a_saved_plan_that_hides_a_finding_approves_nothing(applied: CommandLine) -> None:
    """Apply plans and reviews again: what a file says of findings is never believed."""
    widened(applied)
    assert applied("plan", "-o", "plan.json").code == 5
    file = applied.folder / "plan.json"
    document = json.loads(file.read_text())
    document["findings"], document["diagnostics"], document["applyable"] = [], [], True
    for change in document["changes"]:
        change["access"], change["verdict"] = None, None
    file.write_text(json.dumps(document))
    assert "AK101" not in applied("show", "plan.json").out
    assert applied("apply", "plan.json").code == 5
    assert applied("apply", "--expect-digest", document["digest"]).code == 5


def test_effects_that_mean_more_than_the_saved_plan_shows_are_not_approved(
    applied: CommandLine,
) -> None:
    """The same change, approved as a narrowing; a catalogue that came meanwhile made it more."""
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    assert applied("apply", "--auto-approve").code == 0
    applied.change(KEY, "Reviews: operate", "Reviews: read")
    assert applied("plan", "-o", "plan.json").code == 0
    applied.write(
        "keys/catalog.yaml",
        """
        apiVersion: keyrec/v1
        kind: ScopeCatalog
        metadata: {name: default}
        spec:
          resources:
            Reviews: [operate, read]
        """,
    )
    assert applied("apply", "--target", "scopes/default", "--auto-approve").code == 0
    answer = applied("apply", "plan.json")
    assert answer.code == 6
    assert "+ only now: demo/hello-dev gains scopes: Reviews:read" in answer.err
    assert "means more now than it did then" in answer.err
    assert applied("plan", "-o", "plan.json").code == 0
    assert applied("apply", "plan.json").code == 0


@pytest.mark.parametrize(
    "forge",
    [
        lambda d: d["changes"].pop(),
        lambda d: d["changes"][0]["fields"]["scopes"].update(after={"Reviews": "read"}),
        lambda d: d["target"].update(store_id="another"),
        lambda d: d.update(digest="sha256:" + "0" * 64),
        lambda d: d.update(manager="another"),
    ],
    ids=["a change is taken out", "a field", "the store", "the digest", "the manager"],
)
def test_a_forged_plan_file_is_refused(applied: CommandLine, forge: Any) -> None:
    """Its digest is not the digest of what it says."""
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    assert applied("plan", "-o", "plan.json").code == 0
    file = applied.folder / "plan.json"
    document = json.loads(file.read_text())
    forge(document)
    file.write_text(json.dumps(document))
    answer = applied("apply", "plan.json")
    assert answer.code == 3
    assert "changed after it was made" in answer.err


def test_no_new_access_refuses_whatever_widens(applied: CommandLine) -> None:
    """For a repository whose keys are only ever narrowed."""
    assert applied("plan", "--no-new-access").code == 0
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    answer = applied("plan", "--no-new-access")
    assert answer.code == 5
    assert "gives access that was not there before (WIDEN)" in answer.out
    assert applied("plan").code == 0


def test_a_waiver_helps_from_the_apply_after_the_one_that_brings_it(applied: CommandLine) -> None:
    """Together with what it is for it is shown, and does not help."""
    waiver = """
        apiVersion: keyrec/v1
        kind: Waiver
        metadata: {name: sweeper}
        spec:
          rule: AK101
          key: {workspace: demo, name: hello-dev}
          reason: It rotates the credentials of its own tests
          owner: team-security
          expires: 2199-01-31
    """
    applied.write("keys/waivers.yaml", waiver)
    widened(applied)
    together = applied("plan")
    assert together.code == 5
    assert "(waiver/sweeper of team-security accepts it from the next apply on" in together.out
    applied.change(KEY, "Credentials: change", "Webhooks: read")
    assert applied("apply", "--auto-approve").code == 0
    applied.change(KEY, "Webhooks: read", "Credentials: change")
    alone = applied("plan")
    assert alone.code == 0
    assert "(accepted by waiver/sweeper of team-security until " in alone.out


def test_a_policy_that_switches_a_rule_off_does_not_help_its_own_plan(applied: CommandLine) -> None:
    """It is judged by the stored one, and is a finding itself."""
    widened(applied)
    policy = applied.folder / "keys" / "policy.yaml"
    policies = [
        p for p in Path(applied.folder / "keys").rglob("*.yaml") if "Policy" in p.read_text()
    ]
    (policies or [policy])[0].write_text(
        "apiVersion: keyrec/v1\nkind: Policy\nmetadata: {name: default}\n"
        "spec: {review: {rules: {AK101: low}}}\n"
    )
    answer = applied("plan")
    assert answer.code == 5
    assert "AK116  becomes weaker: AK101 is at most low instead of critical" in answer.out


def test_a_saved_plan_is_shown_in_every_form(applied: CommandLine) -> None:
    """With what the review said when it was made."""
    applied.change(KEY, "Reviews: read", "Reviews: operate")
    applied("plan", "-o", "plan.json")
    for form in ("text", "json", "markdown", "html", "sarif", "github", "gitlab"):
        answer = applied("show", "plan.json", "--format", form)
        assert (answer.code, "AK101" in answer.out) == (0, True), form
    assert applied("show", "plan.json").out == applied("plan").out
