"""Makefile, .ci/run and workflows: what they name exists, and can be run."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.house.repository import ROOT, committed_files

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DOORS = [ROOT / "Makefile", ROOT / ".ci" / "run", *WORKFLOWS]
SCRIPT = re.compile(r"\b((?:tools|tests|examples)/[\w/-]+\.(?:sh|py))\b")
ACTION = re.compile(r"uses: [\w./-]+@(?P<pin>\S+)(?: # (?P<version>v[\d.]+))?$", re.MULTILINE)


def lines_that_run_make() -> list[str]:
    """Give the arguments of every `make` in .ci/run and the workflows."""
    texts = (door.read_text(encoding="utf-8") for door in DOORS[1:])
    return [match for text in texts for match in re.findall(r"\bmake ([a-z][a-z -]*)", text)]


@pytest.mark.parametrize("door", DOORS, ids=lambda path: path.name)
def test_a_door_names_only_scripts_that_stand(door: Path) -> None:
    """Every script that Makefile, .ci/run or a workflow names is in the repository."""
    named = set(SCRIPT.findall(door.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_ci_and_workflows_ask_only_for_targets_of_the_makefile() -> None:
    """A renamed target cannot be forgotten elsewhere."""
    asked = {word for line in lines_that_run_make() for word in line.split()}
    assert asked, "nothing runs make"
    assert asked - TARGETS == set()


def test_every_target_is_explained_by_make_help() -> None:
    """`make help` lists every target with a sentence."""
    explained = set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE))
    assert TARGETS - explained == set()


def test_the_workflow_runs_every_part_of_make_check() -> None:
    """The hosted check is not laxer than the local one."""
    parts = re.search(r"^check: (.*?) ##", MAKEFILE, re.MULTILINE)
    assert parts is not None
    hosted = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert [part for part in parts[1].split() if not re.search(rf"\b{part}\b", hosted)] == []


@pytest.mark.parametrize(
    "script",
    committed_files("*.sh", ".ci/run"),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_script_can_be_run_and_stops_at_the_first_failure(script: Path) -> None:
    """Every shell script is executable and strict."""
    assert os.access(script, os.X_OK)
    assert re.search(r"^set -euo pipefail$", script.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_pins_actions_by_commit_and_says_which_version_that_is(workflow: Path) -> None:
    """A moved tag of an action changes nothing here."""
    text = workflow.read_text(encoding="utf-8")
    used = list(ACTION.finditer(text))
    assert len(used) == text.count("uses:")
    assert [use[0] for use in used if not re.fullmatch("[0-9a-f]{40}", use["pin"])] == []
    assert [use[0] for use in used if not use["version"]] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_starts_without_rights(workflow: Path) -> None:
    """Every job names the rights it needs; there are none by default."""
    assert re.search(r"^permissions: \{\}$", workflow.read_text(encoding="utf-8"), re.MULTILINE)


def test_an_interpreter_that_is_too_old_or_absent_is_refused_in_one_sentence() -> None:
    """`PYTHON=` names what is wrong, and nothing is made."""
    answer = subprocess.run(
        [ROOT / "tools" / "find-python.sh", "python-of-nowhere"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr == (
        "PYTHON=python-of-nowhere cannot be used: "
        "it has to be Python 3.11 or newer, with its venv module.\n"
    )


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_that_may_sign_runs_nothing_but_actions(workflow: Path) -> None:
    """A step that runs or installs anything could ask for a token in the workflow's name."""
    text = workflow.read_text(encoding="utf-8")
    jobs = re.split(r"^  (?=[a-z-]+:$)", text.partition("\njobs:\n")[2], flags=re.MULTILINE)
    signing = [job for job in jobs if "id-token: write" in job]
    assert bool(signing) is (workflow.name == "release.yml")
    assert [job for job in signing if re.search(r"^ +(- )?run:", job, re.MULTILINE)] == []
