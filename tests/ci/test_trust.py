"""What a job does not believe: links in the checkout, its own plan, an event it could not read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ci.gitlab.job import Job
from reconciler.config import variables
from tests.ci.conftest import MERGE, ROOT, Place


@pytest.mark.parametrize("linked", ["plan.md", "."])
def test_a_link_in_the_checkout_leads_no_report_out_of_it(place: Place, linked: str) -> None:
    """A branch that brings `.keyrec-ci` itself writes nowhere else with the job's rights."""
    made, away = place.folder / ".keyrec-ci", place.temporary / "away"
    away.mkdir()
    (away / "plan.md").write_text("untouched")
    if linked == ".":
        made.symlink_to(away)
    else:
        made.mkdir()
        (made / linked).symlink_to(away / linked)
    ran = place.gitlab("plan", KEYREC_CI_COMMENT="false")
    assert ran.code == 0, ran.all
    assert [file.name for file in away.iterdir()] == ["plan.md"]
    assert (away / "plan.md").read_text() == "untouched"
    assert not made.is_symlink()
    assert (made / "plan.md").read_text().startswith("<!-- keyrec:all -->")


def test_a_report_that_a_branch_brings_is_not_the_jobs(place: Place) -> None:
    """Of a fork's merge request there is none: its list of findings would be its author's."""
    report = place.folder / ".keyrec-ci/gl-code-quality-report.json"
    report.parent.mkdir()
    report.write_text("[]")
    assert place.gitlab("plan", CI_MERGE_REQUEST_SOURCE_PROJECT_ID="8").code == 0
    assert not report.exists()


@pytest.mark.parametrize("forge_name", ["github", "gitlab"])
def test_the_plan_that_is_about_to_be_made_approves_nothing(place: Place, forge_name: str) -> None:
    """Else it would be written over the approved one, and be equal to itself."""
    if forge_name == "github":
        file = place.github("plan").outputs["plan-file"]
        place.pushed()
        more = {"GITHUB_EVENT_NAME": "push", "KEYREC_CI_PLAN_FILE": file}
        ran = place.github("apply", **more)
    else:
        place.gitlab("plan", KEYREC_CI_COMMENT="false")
        file = ".keyrec-ci/plan.json"
        ran = place.gitlab("apply", CI_COMMIT_SHA=MERGE, KEYREC_CI_PLAN_FILE=file)
    assert ran.code == 3, ran.all
    assert "would approve itself" in ran.all
    assert (place.folder / file).is_file()
    assert place.live() == {"demo/hello-dev"}


def test_a_pull_request_whose_event_cannot_be_read_has_no_rights(place: Place) -> None:
    """It is checked and no more, and nothing is applied."""
    (place.temporary / "event.json").write_text("{")
    (place.folder / ".keyrec/keys.db").rename(place.folder / "away.db")
    ran = place.github("plan")
    assert (ran.outputs["exit-code"], ran.outputs["plan-file"]) == ("0", "")
    assert "no rights" in ran.out
    assert place.github("apply").code == 3


def test_a_number_of_removals_is_never_another_flag() -> None:
    """Whoever starts the job by hand writes it."""
    environ = {"KEYREC_CI_ALLOW_REMOVALS": "--auto-approve"}
    assert Job(environ=environ).flags == ("--allow-removals=--auto-approve",)
    assert Job(environ={}).flags == ()


def test_the_installer_gets_none_of_keyrecs_secrets() -> None:
    """Every variable that may hold one is taken away before anything is fetched."""
    text = Path(ROOT / "ci/install.sh").read_text()
    (listed,) = re.findall(r"^for name in (.*?); do$", text, re.MULTILINE | re.DOTALL)
    secret = (
        *variables.TOKEN_NAMES,
        *variables.SECRET_ID_NAMES,
        *variables.JWT_NAMES,
        *variables.IDENTITY_NAMES,
        *variables.REQUEST_TOKEN_NAMES,
        "KEYREC_STORE_URL",
        "GITHUB_TOKEN",
        "KEYREC_GITLAB_TOKEN",
    )
    assert set(secret) <= set(listed.replace("\\", " ").split())
