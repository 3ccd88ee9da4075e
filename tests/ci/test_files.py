"""The files that forges read: action, component, hook, workflows. Their form, and no foreign text in
a script.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.ci.conftest import ROOT, Place

WORKFLOWS = sorted(ROOT.glob("examples/*/.github/workflows/*.yml"))
ACTION_FILES = [ROOT / "action.yml", *WORKFLOWS]
OURS = sorted(ROOT.glob(".github/workflows/*.yml"))
PIN = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
TEXT = {"type": "string", "minLength": 1}
STEP = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": TEXT, "if": TEXT, "name": TEXT, "uses": TEXT, "run": TEXT,
        "shell": {"const": "bash"},
        "with": {"type": "object"}, "env": {"type": "object"},
    },
    "oneOf": [{"required": ["uses"]}, {"required": ["run", "shell"]}],
}  # fmt: skip
ACTION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "description", "runs", "inputs", "outputs"],
    "properties": {
        "name": TEXT,
        "description": {"type": "string", "maxLength": 125},
        "branding": {"type": "object"},
        "inputs": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["description", "default"],
                "properties": {"description": TEXT, "default": {"type": "string"}},
            },
        },
        "outputs": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["description", "value"],
                "properties": {"description": TEXT, "value": TEXT},
            },
        },
        "runs": {
            "type": "object",
            "required": ["using", "steps"],
            "additionalProperties": False,
            "properties": {
                "using": {"const": "composite"},
                "steps": {"type": "array", "items": STEP, "minItems": 1},
            },
        },
    },
}
HOOKS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "name", "entry", "language"],
        "properties": {
            "id": TEXT, "name": TEXT, "description": TEXT, "entry": TEXT, "files": TEXT,
            "language": {"const": "python"},
            "pass_filenames": {"type": "boolean"}, "require_serial": {"type": "boolean"},
        },
    },
}  # fmt: skip
SPEC = {
    "type": "object",
    "additionalProperties": False,
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["inputs"],
            "properties": {
                "inputs": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["description"],
                        "properties": {
                            "description": TEXT, "regex": TEXT, "default": {},
                            "type": {"enum": ["string", "boolean", "number", "array"]},
                        },
                    },
                }
            },
        }
    },
}  # fmt: skip
JOB = {
    "type": "object",
    "additionalProperties": False,
    "required": ["stage", "image", "rules", "script"],
    "properties": {
        "stage": TEXT, "image": TEXT, "rules": {}, "variables": {}, "before_script": {},
        "script": {}, "artifacts": {}, "resource_group": TEXT, "interruptible": {},
        "environment": {}, "id_tokens": {},
    },
}  # fmt: skip
INPUT = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")


def document(path: Path) -> Any:
    """Read a file of one document."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def component() -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the component's inputs and its jobs."""
    text = (ROOT / "templates/keyrec.yml").read_text(encoding="utf-8")
    head, jobs = yaml.safe_load_all(text)
    jsonschema.validate(head, SPEC)
    return head["spec"]["inputs"], jobs


def scripts(node: Any) -> Iterator[str]:
    """Give every script of an action or a workflow."""
    if isinstance(node, dict):
        if isinstance(node.get("run"), str):
            yield node["run"]
        if str(node.get("uses", "")).startswith("actions/github-script"):
            yield node["with"]["script"]
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from scripts(child)


def test_the_action_has_the_form_of_an_action() -> None:
    """As GitHub describes metadata files of composite actions."""
    jsonschema.validate(document(ROOT / "action.yml"), ACTION)


@pytest.mark.parametrize("path", [*ACTION_FILES, *OURS], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_expression_stands_in_a_script(path: Path) -> None:
    """What a script gets, it gets by its environment: a branch's name is never a command."""
    assert [script for script in scripts(document(path)) if "${{" in script] == []


@pytest.mark.parametrize("path", [*ACTION_FILES, *OURS], ids=lambda p: str(p.relative_to(ROOT)))
def test_every_used_action_is_pinned_by_its_commit(path: Path) -> None:
    """With the version beside it."""
    lines = [line for line in path.read_text().splitlines() if re.search(r"^ *(- )?uses:", line)]
    assert lines
    assert [line for line in lines if not PIN.search(line)] == []


def test_every_input_is_used_and_every_used_one_is_declared() -> None:
    """Of the action; and every variable that it hands to a program is one that a program reads."""
    text = (ROOT / "action.yml").read_text()
    declared = set(document(ROOT / "action.yml")["inputs"])
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == declared
    programs = "".join(p.read_text() for p in [*ROOT.glob("ci/**/*.py"), *ROOT.glob("ci/*.sh")])
    handed = set(
        re.findall(r"KEYREC_CI_([A-Z_]+):", text + (ROOT / "templates/keyrec.yml").read_text())
    )
    unread = {n for n in handed if f'"{n}"' not in programs and f"KEYREC_CI_{n}" not in programs}
    assert unread == set()


def test_every_program_that_is_called_stands_there() -> None:
    """In the action and in the component."""
    text = (ROOT / "action.yml").read_text() + (ROOT / "templates/keyrec.yml").read_text()
    called = re.findall(r"/ci/run\.sh\"? ([a-z.]+)", text)
    assert len(called) == 6
    assert [n for n in called if not (ROOT / "ci" / f"{n.replace('.', '/')}.py").is_file()] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_an_example_workflow_has_the_least_rights_and_fits_the_action(path: Path) -> None:
    """None at the top; checkout leaves no token behind; what is given and asked for is there."""
    workflow, action = document(path), document(ROOT / "action.yml")
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in workflow[True]
    (job,) = workflow["jobs"].values()
    checkout, used, *rest = job["steps"]
    assert checkout["with"] == {"persist-credentials": False}
    assert used["uses"].startswith("example/keyrec@")
    assert set(used.get("with", {})) <= set(action["inputs"])
    asked = re.findall(r"steps\.keyrec\.outputs\.([a-z-]+)", yaml.safe_dump(rest))
    assert set(asked) <= set(action["outputs"])
    rights = {
        "keyrec-plan.yml": {
            "contents": "read",
            "pull-requests": "write",
            "security-events": "write",
        },
        "keyrec-apply.yml": {"contents": "read", "pull-requests": "read", "id-token": "write"},
    }
    assert job["permissions"] == rights[path.name]


@pytest.mark.parametrize("path", OURS, ids=lambda p: p.name)
def test_a_workflow_of_our_own_has_the_least_rights(path: Path) -> None:
    """None at the top, each job names its own; checkout leaves no token behind."""
    workflow = document(path)
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in workflow[True]
    assert all("permissions" in job for job in workflow["jobs"].values())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    outs = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert outs
    assert all(step["with"]["persist-credentials"] is False for step in outs)


def test_the_hooks_have_the_form_of_hooks() -> None:
    """As pre-commit describes them."""
    jsonschema.validate(document(ROOT / ".pre-commit-hooks.yaml"), HOOKS)


def test_the_hook_finds_a_bad_manifest(place: Place) -> None:
    """It is called without files, in the folder of keyrec.yaml, and looks at manifests alone."""
    hook = next(
        h for h in document(ROOT / ".pre-commit-hooks.yaml") if h["id"] == "keyrec-validate"
    )
    program, *arguments = shlex.split(hook["entry"])
    assert program == "keyrec"

    def called() -> int:
        command = [sys.executable, "-m", "reconciler", *arguments]
        return subprocess.run(
            command, cwd=place.folder, env=place.environ, capture_output=True, check=False
        ).returncode

    assert called() == 0
    (place.folder / "keys/second.yaml").write_text("kind: Nonsense\n")
    assert called() == 3
    chosen = ("keyrec.yaml", "keyrec.prod.yaml", "keys/a.yaml", "platform/keys/a/b.yml")
    assert all(re.search(hook["files"], name) for name in chosen)
    assert not any(re.search(hook["files"], name) for name in ("README.md", "mkdocs.yml", "keys"))


def test_the_component_has_the_form_of_one_and_declares_what_it_uses() -> None:
    """Inputs first, then jobs."""
    inputs, jobs = component()
    assert len(jobs) == 2
    for job in jobs.values():
        jsonschema.validate(job, JOB)
    used = set(INPUT.findall((ROOT / "templates/keyrec.yml").read_text().partition("\n---\n")[2]))
    assert used == set(inputs)
    (apply,) = (job for name, job in jobs.items() if name.startswith("keyrec-apply"))
    assert apply["resource_group"]
    assert apply["interruptible"] is False
    assert set(apply["id_tokens"]) == {"VAULT_ID_TOKEN", "KEYREC_IDENTITY_TOKEN"}


def test_only_inputs_whose_form_leaves_no_room_for_a_command_stand_in_a_script() -> None:
    """The others are variables."""
    inputs, jobs = component()
    lines = [x for job in jobs.values() for x in (*job["before_script"], *job["script"])]
    named = set(INPUT.findall("\n".join(lines)))
    assert named == {"source", "commit"}
    for name in named:
        for evil in (
            'https://x/"; id #',
            "https://x/$(id)",
            "https://x/`id`",
            "--upload-pack=id",
            "a b",
        ):
            assert re.search(inputs[name]["regex"], evil) is None


def test_a_job_installs_into_a_folder_that_no_other_job_writes_to() -> None:
    """On a runner whose /tmp is shared, a merge request could else lay out what apply runs."""
    _, jobs = component()
    for job in jobs.values():
        lines = [*job["before_script"], *job["script"]]
        assert "keyrec_job=$(mktemp -d)" in lines
        assert not any("/tmp" in line for line in (*lines, *job["variables"].values()))


def test_the_example_of_gitlab_gives_the_component_what_it_wants() -> None:
    """Every input is declared, what has no default is given, and forms are kept."""
    inputs, _ = component()
    example = document(ROOT / "examples/07-gitlab/.gitlab-ci.yml")
    (included,) = example["include"]
    given = included["inputs"]
    assert set(given) <= set(inputs)
    assert {name for name, each in inputs.items() if "default" not in each} <= set(given)
    for name, value in given.items():
        assert re.search(inputs[name].get("regex", ""), value)
    assert included["component"].endswith(f"/keyrec@{given['commit']}")
