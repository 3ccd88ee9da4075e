"""Git is run for manifests that somebody else wrote: what it may use, run and see."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from reconciler.adapters import git_command
from reconciler.adapters.directory_source import DirectorySource
from reconciler.adapters.git_command import run_git
from reconciler.adapters.git_source import GitSource
from reconciler.errors import SourceUnavailable
from tests.adapters.git_repository import Repository

CONFIG = """\
[core]
    repositoryformatversion = 0
    bare = false
    worktree = .
[filter "hostile"]
    clean = "touch {mark}; cat"
"""


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Give the file that the hostile configuration's program would make."""
    return tmp_path / "ran"


@pytest.fixture
def planted(tmp_path: Path, mark: Path) -> Path:
    """Give a folder of manifests, inside of a real repository, that is itself a repository.

    All of it could come with a pull request: no part of its path is named `.git`.
    """
    inner = Repository(tmp_path / "inner")
    inner.write("keys/a.yaml", "a: 1\n")
    inner.write("keyrec.yaml", "")
    inner.commit()
    outer = Repository(tmp_path / "outer")
    place = outer.root / "team"
    shutil.copytree(inner.root / ".git", place)
    shutil.copytree(inner.root / "keys", place / "keys")
    (place / "config").write_text(CONFIG.format(mark=mark))
    (place / "info").mkdir(exist_ok=True)
    (place / "info" / "attributes").write_text("*.yaml filter=hostile\n")
    outer.commit()
    return place


def without_hardening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git be as old as one that does not know safe.bareRepository."""
    kept = tuple(o for o in git_command._HARDENED if not o.startswith("safe."))
    flags = tuple(o for i, o in enumerate(kept) if o != "-c" or "=" in (*kept, "")[i + 1])
    monkeypatch.setattr(git_command, "_HARDENED", flags)


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("below", ["", "keys"])
def test_a_repository_that_came_with_the_manifests_is_refused(
    planted: Path, mark: Path, monkeypatch: pytest.MonkeyPatch, *, is_old: bool, below: str
) -> None:
    """Its configuration names programs; none of them runs, whatever git's age."""
    if is_old:
        without_hardening(monkeypatch)
    os.utime(planted / "keys" / "a.yaml", (1, 1))
    with pytest.raises(SourceUnavailable, match="looks like a bare git repository"):
        DirectorySource(planted / below, ["."]).revision()
    with pytest.raises(SourceUnavailable, match="looks like a bare git repository"):
        GitSource(planted / below, ["."], "main").files()
    assert not mark.exists()


def test_a_work_tree_beside_its_bare_repository_is_read(tmp_path: Path) -> None:
    """A `.git` file leads to it; git tracks no such file, so no manifest can bring one."""
    first = Repository(tmp_path / "first")
    first.write("keys/a.yaml", "a: 1\n")
    commit = first.commit()
    first.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    tree = tmp_path / "bare" / "tree"
    first.git("-C", str(tmp_path / "bare"), "worktree", "add", "--quiet", str(tree), "main")
    assert DirectorySource(tree, ["keys"]).revision().commit == commit
    assert GitSource(tree, ["keys"], "HEAD").revision().commit == commit


def test_git_sees_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does anything that git itself runs."""
    repository = Repository(tmp_path)
    names = (
        "KEYREC_STORE_URL",
        "KEYREC_IDENTITY_TOKEN",
        "VAULT_TOKEN",
        "BAO_TOKEN",
        "PGPASSWORD",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    )
    for name in names:
        monkeypatch.setenv(name, "a-password")
    monkeypatch.setenv("HARMLESS", "kept")
    repository.git("config", "alias.told", "!env")
    said = run_git(tmp_path, ["told"]).stdout.decode()
    assert "a-password" not in said
    assert "HARMLESS=kept" in said
