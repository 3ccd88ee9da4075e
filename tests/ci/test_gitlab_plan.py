"""The component's job on a merge request, as it stands, against a forge on this machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ci.conftest import HEAD, Place
from tests.services.forge import BOT, TOKEN

MARK = "<!-- keyrec:all -->"


@pytest.fixture
def merge_request(place: Place) -> Place:
    """Give a place whose forge knows whose token it is."""
    place.forge.answers["/user"] = {"id": 41}
    return place


def report(place: Place, name: str) -> Any:
    """Read a report that the job left among its artifacts."""
    return json.loads((place.folder / ".keyrec-ci" / name).read_text())


def test_a_plan_is_noted_reported_and_saved(merge_request: Place) -> None:
    """One note, Code Quality, SARIF, and the plan."""
    ran = merge_request.gitlab("plan")
    assert ran.code == 0, ran.all
    (note,) = merge_request.forge.comments
    assert note.body.startswith(f"{MARK}\n")
    assert f"head={HEAD} code=2" in note.body
    quality = report(merge_request, "gl-code-quality-report.json")
    assert ("AK224", "keys/second.yaml") in {
        (entry["check_name"], entry["location"]["path"]) for entry in quality
    }
    assert report(merge_request, "keyrec.sarif")["version"] == "2.1.0"
    assert report(merge_request, "plan.json")["changes"]
    assert TOKEN not in ran.all


def test_the_note_is_updated_in_place_wherever_it_stands(merge_request: Place) -> None:
    """Found on a later page among the bot's own; left alone where it says the same."""
    for number in range(4):
        merge_request.forge.say("somebody", f"{MARK}\nremark {number}")
    note = merge_request.forge.say(BOT, f"{MARK}\nan old plan")
    assert merge_request.gitlab("plan").code == 0
    assert "demo/second" in note.body
    assert merge_request.gitlab("plan").code == 0
    assert (merge_request.forge.count("POST"), merge_request.forge.count("PUT")) == (0, 1)


def test_no_line_of_a_note_is_a_quick_action(merge_request: Place) -> None:
    """GitLab would do it in the bot's name."""
    merge_request.gitlab("plan", STAND_IN_QUICK="/merge")
    (note,) = merge_request.forge.comments
    assert "&#47;merge" in note.body
    assert "\n/merge" not in note.body
    merge_request.gitlab("plan", STAND_IN_QUICK="/merge")
    assert merge_request.forge.count("PUT") == 0


def test_without_changes_there_is_no_note(merge_request: Place) -> None:
    """And the list of findings is empty."""
    (merge_request.folder / "keys/second.yaml").unlink()
    assert merge_request.gitlab("plan").code == 0
    assert merge_request.forge.comments == []
    quality = report(merge_request, "gl-code-quality-report.json")
    assert {entry["location"]["path"] for entry in quality} == {"keys/demo/hello-dev.yaml"}


def test_invalid_manifests_fail_the_job_after_the_note(merge_request: Place) -> None:
    """What stands there is replaced; the reports can be read by GitLab all the same."""
    merge_request.gitlab("plan")
    (merge_request.folder / "keys/second.yaml").write_text("kind: Nonsense\n")
    assert merge_request.gitlab("plan").code == 3
    (note,) = merge_request.forge.comments
    assert "no plan" in note.body
    assert report(merge_request, "gl-code-quality-report.json") == []
    assert report(merge_request, "keyrec.sarif")["runs"]


def test_changes_fail_the_job_only_where_that_was_asked_for(merge_request: Place) -> None:
    """With 2."""
    assert merge_request.gitlab("plan", KEYREC_CI_FAIL_ON_CHANGES="true").code == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"KEYREC_GITLAB_TOKEN": ""}, "there is no KEYREC_GITLAB_TOKEN"),
        ({"KEYREC_GITLAB_TOKEN": "another"}, "Reporter at least"),
        ({"CI_API_V4_URL": "http://gitlab.example/api/v4"}, "https://"),
    ],
)
def test_without_the_right_to_write_notes_the_plan_stands(
    merge_request: Place, given: dict[str, str], words: str
) -> None:
    """The job says what is missing, and ends as the plan did."""
    ran = merge_request.gitlab("plan", **given)
    assert ran.code == 0
    assert words in ran.all


def test_a_server_that_stumbles_is_asked_again(merge_request: Place) -> None:
    """A read and a write; a lost answer makes no second note."""
    merge_request.forge.stumbles = {"GET": [502], "POST": [503]}
    merge_request.forge.does_it_anyway = True
    assert merge_request.gitlab("plan").code == 0
    assert merge_request.forge.count("POST") == 1
    assert len(merge_request.forge.comments) == 1


def test_a_merge_request_of_a_fork_is_validated_and_says_so(merge_request: Place) -> None:
    """No store, no note; what is wrong is still found."""
    (merge_request.folder / ".keyrec/keys.db").unlink()
    ran = merge_request.gitlab("plan", CI_MERGE_REQUEST_SOURCE_PROJECT_ID="8")
    assert (ran.code, "comes from a fork" in ran.out) == (0, True)
    assert merge_request.forge.requests == []
    (merge_request.folder / "keys/second.yaml").write_text("kind: Nonsense\n")
    assert merge_request.gitlab("plan", CI_MERGE_REQUEST_SOURCE_PROJECT_ID="8").code == 3


def test_the_head_of_the_request_counts_where_the_job_merged_it(merge_request: Place) -> None:
    """A pipeline of merged results has a commit that nobody reviewed."""
    head = "4" * 40
    merge_request.gitlab("plan", CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=head)
    assert f"head={head}" in merge_request.forge.comments[0].body
