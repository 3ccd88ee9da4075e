"""Apply in mode `oidc`: a job is known by the token of its forge, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.note import Run, Wanted, fitted
from tests.ci.conftest import HEAD, Place
from tests.ci.test_apply import Job, merged
from tests.e2e.desk import principal as local_user
from tests.services.canned import replied
from tests.services.forge import BOT
from tests.services.identity_issuer import AUDIENCE, REQUEST, IdentityIssuer, identity_issuer

BOUND = {"repository_id": "1234567", "ref": "refs/heads/main", "environment": "keys"}


@pytest.fixture
def issuer() -> Iterator[IdentityIssuer]:
    """Give an issuer of identity tokens."""
    with identity_issuer() as running:
        yield running


@pytest.fixture(params=["github", "gitlab"])
def job(request: pytest.FixtureRequest, place: Place, issuer: IdentityIssuer) -> Job:
    """Give the job that applies on either forge, for a store that was moved to mode `oidc`."""
    second = place.folder / "keys/second.yaml"
    second.unlink()
    _trust(place, issuer)
    assert place.keyrec("apply", "--auto-approve").returncode == 0
    place.declare("second")
    planned = place.keyrec("plan", "--format", "json")
    run = Run(head=HEAD, code=2, digest=json.loads(planned.stdout)["digest"], place="./keyrec.yaml")
    wanted = Wanted(text="<!-- keyrec:all -->\n1 change", run=run, is_quiet=False)
    place.forge.say(BOT, fitted(wanted, wanted.marker, 60_000))
    return merged(place, request.param)


def _trust(place: Place, issuer: IdentityIssuer) -> None:
    file = next(f for f in Path(place.folder / "keys").rglob("*.yaml") if "Policy" in f.read_text())
    document = yaml.safe_load(file.read_text())
    document["spec"]["authorization"] = {
        "mode": "oidc",
        "platformAdmins": [local_user(), "github:apply"],
        "issuers": {
            "github": {"url": issuer.url, "audience": AUDIENCE, "principals": {"apply": BOUND}}
        },
    }
    file.write_text(yaml.safe_dump(document))


def variables(issuer: IdentityIssuer, **claims: Any) -> dict[str, str]:
    """Give what both forges give a job: the right to ask for a token, and a token."""
    token = issuer.token(**claims)
    issuer.server.answer(REQUEST, replied({"value": token}))
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}{REQUEST}?version=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a-right-of-the-job",
        "KEYREC_IDENTITY_TOKEN": token,
    }


def test_the_job_that_is_bound_applies(place: Place, job: Job, issuer: IdentityIssuer) -> None:
    """What the merged request showed, and no token stands in the log."""
    given = variables(issuer)
    ran = job(**given)
    assert ran.code == 0, ran.all
    assert "demo/second" in place.live()
    assert given["KEYREC_IDENTITY_TOKEN"] not in ran.all


def test_a_github_job_asks_for_its_token_by_itself(
    place: Place, job: Job, issuer: IdentityIssuer
) -> None:
    """Without one in the environment; on GitLab there is none to be had then."""
    given = {n: t for n, t in variables(issuer).items() if n != "KEYREC_IDENTITY_TOKEN"}
    assert job(**given).code == 0
    assert "demo/second" in place.live()


def test_another_job_applies_nothing(place: Place, job: Job, issuer: IdentityIssuer) -> None:
    """Although somebody approved the plan."""
    ran = job(**variables(issuer, ref="refs/heads/side"))
    assert ran.code == 5, ran.all
    assert "demo/second" not in place.live()


def test_a_job_without_a_token_applies_nothing(place: Place, job: Job) -> None:
    """It says what is missing."""
    ran = job()
    assert ran.code == 5
    assert "KEYREC_IDENTITY_TOKEN" in ran.all
    assert "demo/second" not in place.live()
