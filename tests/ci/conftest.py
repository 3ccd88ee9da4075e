"""A repository of manifests, a forge on this machine, and jobs that run the shipped programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.leaks.witness import CHILD, VARIABLE
from tests.services.forge import TOKEN, Forge, running_forge

ROOT = Path(__file__).parents[2]
HEAD, MERGE = "1" * 40, "2" * 40
KEY = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: NAME, workspace: demo, description: "TEXT"}
spec: {environment: dev}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a job's program said."""

    code: int
    out: str
    err: str
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def all(self) -> str:
        """Give everything that stands in the log."""
        return f"{self.out}\n{self.err}"


@dataclass(slots=True, kw_only=True)
class Place:
    """A checkout with a store that has one key, and the environment of a job beside it."""

    folder: Path
    temporary: Path
    forge: Forge
    environ: dict[str, str]

    def keyrec(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run the real keyrec, as somebody at a desk."""
        return subprocess.run(
            [sys.executable, "-m", "reconciler", *argv],
            cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def declare(self, name: str, text: str = "a key") -> None:
        """Write the manifest of a key."""
        (self.folder / f"keys/{name}.yaml").write_text(manifest(name, text))

    def live(self) -> set[str]:
        """Give the names of the keys that the store holds."""
        answer = self.keyrec("status", "--format", "json")
        return {key["address"] for key in json.loads(answer.stdout)["keys"]}

    def github(self, program: str, **more: str) -> Ran:
        """Run a step of the action."""
        outputs, summary = self.temporary / "outputs", self.temporary / "summary"
        for file in (outputs, summary):
            file.write_text("")
        given = {
            "GITHUB_API_URL": self.forge.address,
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(self.temporary / "event.json"),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": "example/keys",
            "GITHUB_SHA": MERGE,
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_WORKSPACE": str(self.folder),
            "KEYREC_CI_SARIF": "true",
            "RUNNER_TEMP": str(self.temporary),
        }
        ran = self._run(f"github.{program}", given | more)
        return Ran(
            code=ran.returncode, out=ran.stdout, err=ran.stderr,
            outputs=dict(_outputs(outputs.read_text())), summary=summary.read_text(),
        )  # fmt: skip

    def gitlab(self, program: str, **more: str) -> Ran:
        """Run a job of the component."""
        given = {
            "CI_API_V4_URL": self.forge.address,
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_SHA": HEAD,
            "CI_MERGE_REQUEST_IID": "12" if program == "plan" else "",
            "CI_MERGE_REQUEST_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
            "CI_PROJECT_DIR": str(self.folder),
            "CI_PROJECT_ID": "7",
            "KEYREC_CI_COMMENT": "true",
            "KEYREC_CI_SARIF": "true",
            "KEYREC_GITLAB_TOKEN": TOKEN,
        }
        ran = self._run(f"gitlab.{program}", given | more)
        return Ran(code=ran.returncode, out=ran.stdout, err=ran.stderr)

    def pull_request(self, **more: Any) -> None:
        """Write the event of a pull request."""
        head = {"sha": HEAD, "ref": "a-branch", "repo": {"full_name": "example/keys"}}
        event = {"pull_request": {"number": 12, "title": "A title", "head": head, **more}}
        (self.temporary / "event.json").write_text(json.dumps(event))

    def pushed(self) -> None:
        """Write the event of a push, after a merge."""
        (self.temporary / "event.json").write_text(json.dumps({"ref": "refs/heads/main"}))
        of_all = {"merge_commit_sha": MERGE, "head": {"sha": HEAD}}
        main, side = {"base": {"ref": "main"}}, {"base": {"ref": "side"}}
        self.forge.answers[f"/repos/example/keys/commits/{MERGE}/pulls"] = [
            {"number": 12, "merged_at": "now", **main, **of_all},
            {"number": 9, "merged_at": None, **main, **of_all},
            {"number": 8, "merged_at": "now", **side, **of_all},
        ]

    def _run(self, program: str, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(ROOT / "ci/run.sh"), program],
            cwd=self.folder, env=self.environ | more, capture_output=True, text=True, check=False,
        )  # fmt: skip


def manifest(name: str, text: str = "a key") -> str:
    """Give the manifest of a key."""
    return KEY.replace("NAME", name).replace("TEXT", text)


def _outputs(text: str) -> Iterator[tuple[str, str]]:
    lines = iter(text.splitlines())
    for line in lines:
        name, _, end = line.partition("<<")
        found = []
        while (following := next(lines)) != end:
            found.append(following)
        yield name, "\n".join(found)


@pytest.fixture
def forge() -> Iterator[Forge]:
    """Give a forge."""
    with running_forge() as running:
        yield running


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository whose one key is applied, to be copied."""
    made = tmp_path_factory.mktemp("begun")
    (made / "work").mkdir()
    environ = {"HOME": str(made), "PATH": os.environ["PATH"], "PYTHONPATH": f"{CHILD}:{ROOT}"}
    for command in (["init"], ["apply", "--auto-approve"]):
        subprocess.run(
            [sys.executable, "-m", "reconciler", *command],
            cwd=made / "work", env=environ | {VARIABLE: os.environ[VARIABLE]},
            capture_output=True, check=True,
        )  # fmt: skip
    return made / "work"


@pytest.fixture(scope="session")
def planned_digest(begun: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the digest of the plan that brings the second key to a copy of it."""
    folder = tmp_path_factory.mktemp("planned") / "work"
    shutil.copytree(begun, folder, symlinks=True)
    (folder / "keys/second.yaml").write_text(manifest("second"))
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": f"{CHILD}:{ROOT}"}
    answer = subprocess.run(
        [sys.executable, "-m", "reconciler", "plan", "--format", "json"],
        cwd=folder, env=environ | {VARIABLE: os.environ[VARIABLE]},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return str(json.loads(answer.stdout)["digest"])


@pytest.fixture
def place(tmp_path: Path, begun: Path, forge: Forge) -> Place:
    """Give a copy of it with a second key declared, in a pull request."""
    folder, programs, temporary = (tmp_path / n for n in ("work", "programs", "runner"))
    for made in (programs, temporary, tmp_path / "home"):
        made.mkdir()
    shutil.copytree(begun, folder, symlinks=True)
    keyrec = programs / "keyrec"
    stand_in = Path(__file__).with_name("stand_in.py")
    # PYTHONPATH reaches no program of a job, so the program brings its own; only where a test
    # wants a comment to be longer or nastier, it goes through another.
    keyrec.write_text(
        f'#!/bin/sh\nexport PYTHONPATH="{CHILD}:{ROOT}"\n'
        f'[ -n "$STAND_IN_MORE$STAND_IN_QUICK" ] && exec "{sys.executable}" "{stand_in}" "$@"\n'
        f'exec "{sys.executable}" -P -m reconciler "$@"\n'
    )
    keyrec.chmod(0o755)
    made_place = Place(
        folder=folder,
        temporary=temporary,
        forge=forge,
        environ={
            "HOME": str(tmp_path / "home"),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": f"{CHILD}:{ROOT}",
            "KEYREC_CI_PATIENCE": "0.01",
            "KEYREC_CI_PYTHON": sys.executable,
            VARIABLE: os.environ[VARIABLE],
        },
    )
    made_place.declare("second")
    made_place.pull_request()
    return made_place
