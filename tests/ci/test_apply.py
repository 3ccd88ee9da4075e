"""Apply after the merge, on both forges: only what the merged request showed, or a person named."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ci.note import Run, Wanted, fitted
from tests.ci.conftest import HEAD, MERGE, ROOT, Place, Ran
from tests.services.canned import CannedServer, canned, replied
from tests.services.forge import BOT, TOKEN

Job = Callable[..., Ran]


@pytest.fixture(params=["github", "gitlab"])
def forge_name(request: pytest.FixtureRequest) -> str:
    """Give either forge."""
    return str(request.param)


def merged(place: Place, forge_name: str) -> Job:
    """Give the job that applies, after the request was merged."""
    place.forge.answers["/user"] = {"id": 41}
    if forge_name == "github":
        place.pushed()
        return partial(place.github, "apply", GITHUB_EVENT_NAME="push")
    main, side = {"target_branch": "main"}, {"target_branch": "side"}
    place.forge.answers[f"/projects/7/repository/commits/{MERGE}/merge_requests"] = [
        {"iid": 12, "state": "merged", "merge_commit_sha": MERGE, "sha": HEAD, **main},
        {"iid": 13, "state": "opened", "merge_commit_sha": None, "sha": MERGE, **main},
        {"iid": 14, "state": "merged", "merge_commit_sha": MERGE, "sha": HEAD, **side},
    ]
    return partial(place.gitlab, "apply", CI_COMMIT_SHA=MERGE)


@pytest.fixture
def reviewed(place: Place, forge_name: str, planned_digest: str) -> Job:
    """Give that job, where a comment shows the plan as the job that plans leaves it."""
    run = Run(head=HEAD, code=2, digest=planned_digest, place="./keyrec.yaml")
    wanted = Wanted(text="<!-- keyrec:all -->\n1 change", run=run, is_quiet=False)
    place.forge.say(BOT, fitted(wanted, wanted.marker, 60_000))
    return merged(place, forge_name)


def test_what_the_job_that_plans_leaves_is_what_the_one_that_applies_finds(
    place: Place, forge_name: str
) -> None:
    """Both for real, one after the other."""
    if forge_name == "github":
        place.github("plan")
        place.github("comment")
    else:
        place.forge.answers["/user"] = {"id": 41}
        assert place.gitlab("plan").code == 0
    assert len(place.forge.comments) == 1
    assert merged(place, forge_name)().code == 0
    assert "demo/second" in place.live()


def test_what_the_merged_request_showed_is_applied(place: Place, reviewed: Job) -> None:
    """And a second run finds nothing to do, without asking for an approval."""
    ran = reviewed()
    assert ran.code == 0, ran.all
    assert "demo/second" in place.live()
    assert TOKEN not in ran.all
    asked = len(place.forge.requests)
    assert reviewed().code == 0
    assert len(place.forge.requests) == asked


def test_another_plan_than_the_one_that_was_shown_is_refused(place: Place, reviewed: Job) -> None:
    """With 6, the new digest and what to do; nothing is applied."""
    place.declare("third")
    ran = reviewed()
    assert ran.code == 6, ran.all
    assert "not the one that was approved" in ran.all
    assert "sha256:" in ran.all
    assert place.live() == {"demo/hello-dev"}


def test_a_person_may_name_the_digest(place: Place, reviewed: Job) -> None:
    """Then no comment is asked for."""
    place.declare("third")
    digest = place.keyrec("plan").stdout.rpartition("Digest: ")[2].split()[0]
    place.forge.comments.clear()
    assert reviewed(KEYREC_CI_EXPECT_DIGEST=digest).code == 0
    assert {"demo/second", "demo/third"} <= place.live()
    place.declare("fourth")
    assert reviewed(KEYREC_CI_EXPECT_DIGEST="sha256:x; rm -rf /").code == 3
    assert "demo/fourth" not in place.live()


def test_a_saved_plan_approves_as_well(place: Place, reviewed: Job) -> None:
    """The artifact of the pull request's job."""
    place.keyrec("plan", "-o", "approved.json")
    place.forge.comments.clear()
    assert reviewed(KEYREC_CI_PLAN_FILE="approved.json").code == 0
    assert "demo/second" in place.live()


def _stranger(place: Place) -> None:
    place.forge.comments[0].author = "mallory"


def _gone(place: Place) -> None:
    place.forge.comments.clear()


def _pushed_since(place: Place) -> None:
    body = place.forge.comments[0].body
    place.forge.comments[0].body = body.replace(f"head={HEAD}", f"head={'3' * 40}")


def _failed(place: Place) -> None:
    body = place.forge.comments[0].body
    place.forge.comments[0].body = body.replace(" code=2 ", " code=5 ")


def _not_merged(place: Place) -> None:
    for path, found in place.forge.answers.items():
        if isinstance(found, list):
            place.forge.answers[path] = found[1:]


def _down(place: Place) -> None:
    place.forge.denies["GET"] = 503


def _denied(place: Place) -> None:
    place.forge.denies["GET"] = 403


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (_stranger, "has no comment of a plan"),
        (_gone, "has no comment of a plan"),
        (_pushed_since, "plan of another commit"),
        (_failed, "no plan that could be applied"),
        (_not_merged, "is not the merge of one"),
        (_down, "answered with 503"),
        (_denied, "answered with 403"),
    ],
)
def test_without_a_known_approval_nothing_is_applied(
    place: Place, reviewed: Job, happens: Callable[[Place], None], words: str
) -> None:
    """With 5, the plan, and the digest that a person would have to name."""
    happens(place)
    ran = reviewed()
    assert ran.code == 5, ran.all
    assert words in ran.all
    assert "sha256:" in ran.all
    assert "demo/second" in ran.all
    assert place.live() == {"demo/hello-dev"}


def test_invalid_manifests_are_not_applied(place: Place, reviewed: Job) -> None:
    """With keyrec's own exit code."""
    (place.folder / "keys/second.yaml").write_text("kind: Nonsense\n")
    assert reviewed().code == 3


def test_apply_does_not_run_in_a_requests_own_job(place: Place) -> None:
    """What is not merged is not applied."""
    assert place.github("apply").code == 3
    assert place.gitlab("apply", CI_MERGE_REQUEST_IID="12").code == 3
    assert place.live() == {"demo/hello-dev"}


def identity(server: CannedServer, place: Place, **more: str) -> Ran:
    """Apply with an identity that this server gives."""
    place.pushed()
    given = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.address}/token?api=2",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-right",
        "KEYREC_CI_VAULT_AUDIENCE": "https://vault.example:8200",
    }
    return place.github("apply", GITHUB_EVENT_NAME="push", **(given | more))


def test_the_jobs_identity_is_handed_to_keyrec_in_a_file_that_ends_with_it(place: Place) -> None:
    """Not in the environment, not in the log; with the audience that was asked for."""
    seen, keyrec = (
        place.temporary / "seen",
        Path(place.environ["PATH"].partition(":")[0]) / "keyrec",
    )
    keyrec.write_text(
        f'#!/bin/sh\ncase "$*" in *apply*) cat "$KEYREC_VAULT_JWT_FILE" > {seen}; '
        f'stat -c %a "$KEYREC_VAULT_JWT_FILE" >> {seen}; env >> {seen};; esac\n'
    )
    with canned() as server:
        server.answer("/token", replied({"value": "header.claims.sign\n"}))
        ran = identity(server, place)
        assert ran.code == 0, ran.all
        (request,) = server.received
        assert request.target.endswith("?api=2&audience=https%3A%2F%2Fvault.example%3A8200")
        assert request.headers["Authorization"] == "Bearer request-right"
    token, mode, *variables = seen.read_text().splitlines()
    assert (token, mode) == ("header.claims.sign", "600")
    assert not any(word in line for line in variables for word in ("claims", TOKEN))
    assert "claims" not in ran.all
    assert [p for p in place.temporary.iterdir() if p.name.startswith("tmp")] == []


def test_without_the_right_to_an_identity_the_job_says_which(place: Place) -> None:
    """Nothing is applied."""
    with canned() as server:
        server.answer("/token", replied({}, 403))
        ran = identity(server, place, ACTIONS_ID_TOKEN_REQUEST_TOKEN="")
        assert (ran.code, "id-token: write" in ran.out) == (5, True)
        ran = identity(server, place)
        assert (ran.code, "answered with 403" in ran.out) == (5, True)
    assert place.live() == {"demo/hello-dev"}


@pytest.mark.parametrize("version", ["1.0 --index-url=http://x", "$(id)", "-r", "../x"])
def test_the_installer_takes_nothing_but_a_number_for_a_version(
    tmp_path: Path, version: str
) -> None:
    """Before it makes anything."""
    home = tmp_path / "home"
    ran = subprocess.run(
        [ROOT / "ci/install.sh"],
        env={"PATH": os.environ["PATH"], "KEYREC_CI_HOME": str(home), "KEYREC_CI_VERSION": version},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 3
    assert "is a number" in ran.stderr
    assert not home.exists()
