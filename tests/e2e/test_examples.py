"""Every example, copied and typed word for word from its README."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import pytest
import yaml

from reconciler.bootstrap import doors
from reconciler.model.lifetime import Expiration
from reconciler.model.scopes import CONSOLE_CATALOG
from tests.fakes.command_line import CommandLine
from tests.fakes.typed_page import ROOT, opened_shell, steps_of
from tests.services.nginx import nginx_program
from tests.services.vault_server import free_port

EXAMPLES = ROOT / "examples"
TOKEN = re.compile(r"[a-z]{2,8}_[a-z0-9]{1,16}_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}")
ON_THIS_MACHINE = (
    "01-first-key",
    "02-console-page",
    "03-rotation",
    "05-many-teams",
    "06-github",
    "07-gitlab",
)


def type_readme(
    name: str,
    place: Path,
    variables: dict[str, str],
    *programs: Path,
    instead: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Copy the examples, type the README of one of them, compare what it shows.

    `instead`: texts of the example's files and page, each with what stands in its place.
    """
    shutil.copytree(EXAMPLES, place / "examples", ignore=shutil.ignore_patterns(".keyrec", "run"))
    folder, home = place / "examples" / name, place / "home"
    written = re.compile("|".join(map(re.escape, instead)) or "(?!)")
    for file in (path for path in folder.rglob("*") if path.is_file()):
        text = file.read_text(encoding="utf-8")
        file.write_text(written.sub(lambda found: instead[found[0]], text), encoding="utf-8")
    ran = 0
    with opened_shell(folder, home, variables, *programs) as shell:
        for step in steps_of(folder / "README.md"):
            printed, code = shell.say(step.command)
            assert TOKEN.search(printed) is None, f"$ {step.command}\nshows a key"
            assert code == 0, f"$ {step.command}\n{printed}"
            assert step.fits(printed), f"$ {step.command}\n{printed}"
            ran += 1
    assert ran > 3


@pytest.mark.parametrize("name", ON_THIS_MACHINE)
def test_an_example_works_word_for_word(name: str, tmp_path: Path) -> None:
    """Who copies the folder and types its README sees what stands there."""
    type_readme(name, tmp_path, {})


def test_the_example_behind_nginx_works_word_for_word(tmp_path: Path) -> None:
    """Real nginx asks real keyrec, on ports of the test's own; its files stand as they are else."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "nginx").symlink_to(nginx_program())
    ports = {port: str(free_port()) for port in ("8320", "8321", "8322")}
    variables = {"KEYREC_LISTEN_PORT": ports["8321"]}
    with ended_by_their_ids(tmp_path / "examples/08-nginx/run"):
        type_readme("08-nginx", tmp_path, variables, programs, instead=ports)


def test_the_example_in_process_works_word_for_word(tmp_path: Path) -> None:
    """A real service under uvicorn, on a port of the test's own."""
    with ended_by_their_ids(tmp_path / "examples/09-in-process"):
        type_readme("09-in-process", tmp_path, {}, instead={"8709": str(free_port())})


@contextmanager
def ended_by_their_ids(folder: Path) -> Iterator[None]:
    """End what a page started in the background, where the page did not come to do so itself."""
    try:
        yield
    except BaseException:
        for file in folder.glob("*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGTERM)
        raise


def test_the_example_on_real_servers_works_word_for_word(
    tmp_path: Path,
    postgres_url: str,
    vault_address: str,
    vault_root_token: str,
    vault_program: Path,
) -> None:
    """The same manifests run on PostgreSQL and Vault, read back by Vault's own client."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "vault").symlink_to(vault_program)
    variables = {
        "KEYREC_STORE_URL": postgres_url,
        "VAULT_ADDR": vault_address,
        "VAULT_TOKEN": vault_root_token,
    }
    type_readme("04-postgres-and-vault", tmp_path, variables, programs)


def declared_keys(name: str) -> list[dict[str, dict[str, str]]]:
    """Give the specs of all keys that an example declares."""
    texts = (path.read_text() for path in (EXAMPLES / name / "keys").rglob("*.yaml"))
    documents = (document for text in texts for document in yaml.safe_load_all(text))
    return [document["spec"] for document in documents if document["kind"] == "ApiKey"]


def test_the_consoles_page_is_there_in_full() -> None:
    """Every scope at every level, every expiration, active and inactive, open and restricted."""
    keys = declared_keys("02-console-page")
    granted = {(resource, level) for key in keys for resource, level in key["scopes"].items()}
    assert granted == {(r, level) for r, levels in CONSOLE_CATALOG.resources for level in levels}
    assert {str(key["expiration"]) for key in keys} == {e.value for e in Expiration}
    assert {key.get("active", True) for key in keys} == {True, False}
    assert {"allowlist" in key for key in keys} == {True, False}


def test_every_example_is_run() -> None:
    """A folder with a README is one of those above."""
    folders = {path.parent.name for path in EXAMPLES.glob("[0-9][0-9]-*/README.md")}
    assert folders == {*ON_THIS_MACHINE, "04-postgres-and-vault", "08-nginx", "09-in-process"}


def test_a_workspaces_admin_applies_the_teams_repository_and_not_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the last lines of 05-many-teams say about `local:alice` and about anybody else."""
    shutil.copytree(EXAMPLES / "05-many-teams", tmp_path / "teams")
    home = tmp_path / "home"
    home.mkdir()
    keyrec = CommandLine(
        folder=tmp_path / "teams", home=home, monkeypatch=monkeypatch, capsys=capsys
    )
    keyrec.prepare()
    platform, team = ("-C", "platform"), ("-C", "team-payments")
    for argv in ((*platform, "init"), (*platform, "apply", "--auto-approve"), (*team, "init")):
        assert keyrec(*argv).code == 0
    keyrec.change("platform/keys/metrics.yaml", "Reviews: read", "Reviews: operate")
    expected = {"local:alice": (0, 5), "local:mallory": (5, 5)}
    for principal, codes in reversed(expected.items()):
        monkeypatch.setattr(doors, "principal", lambda who=principal: who)
        answers = [keyrec(*where, "apply", "--auto-approve") for where in (team, platform)]
        assert tuple(answer.code for answer in answers) == codes, answers
