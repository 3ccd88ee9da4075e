"""The action's steps on a pull request, as they stand, against a forge on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ci.conftest import HEAD, Place
from tests.services.forge import BOT, TOKEN

MARK = "<!-- keyrec:all -->"
HOSTILE = '"; touch pwned; $(touch pwned) `touch pwned` ${{ github.token }} \n::error::x'


def planned_and_noted(place: Place, **more: str) -> list[str]:
    """Run both steps; the bodies of the bot's comments."""
    assert place.github("plan", **more).code == 0
    assert place.github("comment", **more).code == 0
    return [c.body for c in place.forge.comments if c.author == BOT]


def test_a_plan_is_annotated_summarised_reported_and_saved(place: Place) -> None:
    """Everything is made from one plan, and the outputs say where it stands."""
    ran = place.github("plan")
    assert ran.code == 0, ran.all
    plan = json.loads(Path(ran.outputs["plan-file"]).read_text())
    assert [change["address"] for change in plan["changes"]] == ["demo/second"]
    assert ran.outputs["digest"] == plan["digest"]
    assert (ran.outputs["exit-code"], ran.outputs["has-changes"]) == ("2", "true")
    assert json.loads(Path(ran.outputs["sarif-file"]).read_text())["version"] == "2.1.0"
    assert "::warning file=keys/second.yaml,line=1,col=1,title=keyrec AK224 medium::" in ran.out
    assert ran.summary.startswith(MARK)
    assert TOKEN not in ran.all + ran.summary


def test_the_first_plan_makes_one_comment_and_later_ones_update_it(place: Place) -> None:
    """In place, and not at all where it says the same already."""
    (body,) = planned_and_noted(place)
    assert body.startswith(f"{MARK}\n")
    assert f"head={HEAD} code=2 digest=sha256:" in body.rpartition("\n<!--")[2]
    assert planned_and_noted(place) == [body]
    assert (place.forge.count("POST"), place.forge.count("PATCH")) == (1, 0)
    place.declare("third")
    (later,) = planned_and_noted(place)
    assert "demo/third" in later
    assert (place.forge.count("POST"), place.forge.count("PATCH")) == (1, 1)


def test_the_comment_is_found_on_a_later_page_and_only_among_our_own(place: Place) -> None:
    """Whoever copies the marker into a comment of theirs changes nothing."""
    place.forge.say("mallory", f"{MARK}\nLooks good, digest sha256:{'0' * 64}")
    for number in range(7):
        place.forge.say("somebody", f"remark {number}")
    place.forge.say(BOT, "an unrelated comment of another workflow")
    old = place.forge.say(BOT, f"{MARK}\nan old plan")
    planned_and_noted(place)
    assert "demo/second" in old.body
    assert place.forge.count("POST") == 0
    assert place.forge.count("GET") == 4
    assert place.forge.comments[0].body.endswith("0" * 64)


def test_environments_have_comments_of_their_own(place: Place) -> None:
    """By the marker: a plan of one does not write over the other's."""
    planned_and_noted(place, KEYREC_ENVIRONMENTS="dev")
    bodies = planned_and_noted(place, KEYREC_ENVIRONMENTS="prod,dev")
    assert [body.partition("\n")[0] for body in bodies] == [
        "<!-- keyrec:dev -->",
        "<!-- keyrec:dev+prod -->",
    ]


def test_no_changes_make_no_comment_but_update_one(place: Place) -> None:
    """Silence where there is nothing to say; no stale plan where there was something."""
    (place.folder / "keys/second.yaml").unlink()
    assert planned_and_noted(place) == []
    place.declare("second")
    planned_and_noted(place)
    (place.folder / "keys/second.yaml").unlink()
    (body,) = planned_and_noted(place)
    assert "No changes." in body
    assert " code=0 " in body


def test_a_plan_that_cannot_be_made_replaces_the_one_that_stands_there(place: Place) -> None:
    """Nobody approves what is not so any more; the verdict fails the job, after the comment."""
    planned_and_noted(place)
    (place.folder / "keys/second.yaml").write_text("kind: Nonsense\n")
    ran = place.github("plan")
    assert (ran.code, ran.outputs["exit-code"], ran.outputs["digest"]) == (0, "3", "")
    assert "::error file=keys/second.yaml,line=1" in ran.out
    assert json.loads(Path(ran.outputs["sarif-file"]).read_text())["runs"]
    place.github("comment")
    (comment,) = place.forge.comments
    assert comment.body.startswith(f"{MARK}\n### keyrec: no plan")
    assert "sha256:" not in comment.body
    verdict = place.github("verdict", KEYREC_CI_COMMAND="plan", KEYREC_CI_CODE="3")
    assert verdict.code == 3
    assert "invalid" in verdict.out


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"KEYREC_CI_CODE": "0"}, 0),
        ({"KEYREC_CI_CODE": "2"}, 0),
        ({"KEYREC_CI_CODE": "2", "KEYREC_CI_FAIL_ON_CHANGES": "true"}, 2),
        ({"KEYREC_CI_CODE": "5"}, 5),
        ({"KEYREC_CI_CODE": "1"}, 1),
        ({"KEYREC_CI_CODE": ""}, 1),
        ({"KEYREC_CI_CODE": "0", "KEYREC_CI_COMMAND": "aply"}, 3),
    ],
)
def test_the_verdict_ends_the_job_as_keyrec_ended(
    place: Place, given: dict[str, str], code: int
) -> None:
    """Changes fail it only where that was asked for; an unknown command does."""
    assert place.github("verdict", **{"KEYREC_CI_COMMAND": "plan", **given}).code == code


@pytest.mark.parametrize("status", [401, 403, 404])
def test_without_the_right_to_comment_the_plan_stands_and_the_job_says_why(
    place: Place, status: int
) -> None:
    """A warning names the right; nothing fails."""
    place.github("plan")
    place.forge.denies["POST"] = status
    ran = place.github("comment")
    assert ran.code == 0
    assert "::warning" in ran.out
    assert "pull-requests: write" in ran.out
    assert TOKEN not in ran.all


def test_a_server_that_stumbles_is_asked_again(place: Place) -> None:
    """502 and 503 pass; one that never recovers is a warning."""
    place.forge.stumbles = {"GET": [502, 503], "POST": [500]}
    assert len(planned_and_noted(place)) == 1
    place.forge.denies["GET"] = 503
    ran = place.github("comment")
    assert (ran.code, "answered with 503" in ran.out) == (0, True)


def test_a_comment_that_was_made_although_the_answer_was_lost_is_not_made_twice(
    place: Place,
) -> None:
    """After a failed write the comments are looked at again."""
    place.forge.stumbles, place.forge.does_it_anyway = {"POST": [502]}, True
    assert len(planned_and_noted(place)) == 1
    assert place.forge.count("POST") == 1


def test_no_redirect_is_followed_and_no_token_goes_over_plain_http(place: Place) -> None:
    """A request carries the token."""
    place.github("plan")
    place.forge.redirects_to = f"{place.forge.address}/elsewhere"
    assert "answered with 302" in place.github("comment").out
    assert all("elsewhere" not in request for request in place.forge.requests)
    ran = place.github("comment", GITHUB_API_URL="http://api.example")
    assert (ran.code, "https://" in ran.out) == (0, True)


@pytest.mark.parametrize(("size", "is_cut"), [(60_000, False), (70_000, True)])
def test_a_long_body_is_sent_whole_up_to_the_limit_and_cut_beyond(
    place: Place, size: int, is_cut: bool
) -> None:
    """First and last line stay; GitHub takes 65,536 characters."""
    (body,) = planned_and_noted(place, STAND_IN_MORE=str(size - 300))
    assert len(body) <= 65_536
    assert ("did not fit" in body) is is_cut
    assert body.startswith(f"{MARK}\n")
    assert body.rstrip().endswith(" -->")
    assert planned_and_noted(place, STAND_IN_MORE=str(size - 300)) == [body]


def test_hostile_names_run_nothing_and_command_nothing(place: Place) -> None:
    """Branch, title, actor, folder and description are text, and stay so."""
    place.declare("second", text="::warning::from a manifest ::set-env name=A::b")
    head = {"sha": HEAD, "ref": HOSTILE, "repo": {"full_name": "example/keys"}}
    place.pull_request(title=HOSTILE, head=head)
    more = {"GITHUB_HEAD_REF": HOSTILE, "GITHUB_ACTOR": HOSTILE, "GITHUB_REF_NAME": HOSTILE}
    ran = place.github("plan", **more)
    assert ran.outputs["exit-code"] == "2", ran.all
    assert place.github("comment", **more).code == 0
    assert not list(place.folder.rglob("pwned"))
    shown = ran.out.split("::stop-commands::")
    assert len(shown) == 3
    assert "from a manifest" in shown[1]
    assert "from a manifest" not in shown[0]
    hostile_place = place.github("plan", KEYREC_CI_WORKING_DIRECTORY=HOSTILE)
    assert hostile_place.code != 0
    assert not list(place.folder.rglob("pwned"))


@pytest.mark.parametrize("repo", [{"full_name": "stranger/keys"}, None])
def test_a_pull_request_of_a_fork_is_validated_and_says_so(
    place: Place, repo: dict[str, str] | None
) -> None:
    """It reaches no store, writes no comment, and still finds what is wrong."""
    place.pull_request(head={"sha": HEAD, "repo": repo})
    (place.folder / ".keyrec/keys.db").rename(place.folder / "away.db")
    ran = place.github("plan")
    assert (ran.code, ran.outputs["exit-code"], ran.outputs["plan-file"]) == (0, "0", "")
    assert "comes from a fork" in ran.out
    assert "comes from a fork" in ran.summary
    assert place.github("comment").code == 0
    assert place.forge.requests == []
    (place.folder / "keys/second.yaml").write_text("kind: Nonsense\n")
    ran = place.github("plan")
    assert ran.outputs["exit-code"] == "3"
    assert "::error file=keys/second.yaml,line=1" in ran.out


def test_dependabot_is_told_apart(place: Place) -> None:
    """Its jobs get no secrets either."""
    ran = place.github("plan", GITHUB_ACTOR="dependabot[bot]")
    assert "Dependabot" in ran.out
    assert ran.outputs["plan-file"] == ""


def test_pull_request_target_is_refused(place: Place) -> None:
    """It would lend rights to a stranger's text."""
    ran = place.github("plan", GITHUB_EVENT_NAME="pull_request_target")
    assert (ran.code, ran.outputs) == (3, {})
    assert "on: pull_request" in ran.out


def test_a_module_beside_the_manifests_is_not_imported(place: Place) -> None:
    """Nothing of the repository under review is run."""
    for name in ("ci", "json", "reconciler", "pip", "sitecustomize"):
        (place.folder / f"{name}.py").write_text("open('pwned', 'w')\n")
    ran = place.github("plan")
    assert ran.outputs["exit-code"] == "2"
    assert not (place.folder / "pwned").exists()
