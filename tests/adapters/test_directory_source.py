"""Manifests from a folder: which files, which revision, and what is refused."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from reconciler.adapters.directory_source import DirectorySource
from reconciler.errors import SourceUnavailable
from reconciler.manifest.files import LARGEST_FILE
from reconciler.model.source import Revision
from reconciler.ports import ManifestFile, ManifestSource
from tests.adapters.git_repository import Repository


def write(root: Path, *paths: str) -> None:
    """Write files that hold their own names."""
    for path in paths:
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(path)


def paths(source: ManifestSource) -> list[str]:
    """Give the paths of all files."""
    return [file.path for file in source.files()]


def test_all_yaml_files_below_the_places_are_found_in_order(tmp_path) -> None:
    """Both endings, any depth, forward slashes, nothing hidden, nothing else."""
    write(tmp_path, "keys/b/z.yaml", "keys/b/a.yml", "keys/a.yaml", "keys/a b ü.yaml")
    write(tmp_path, "keys/README.md", "keys/.hidden.yaml", "keys/.git/x.yaml", "other/x.yaml")
    source = DirectorySource(tmp_path, ["keys"])
    assert paths(source) == ["keys/a b ü.yaml", "keys/a.yaml", "keys/b/a.yml", "keys/b/z.yaml"]
    assert source.files()[1] == ManifestFile(path="keys/a.yaml", content=b"keys/a.yaml")


def test_places_that_overlap_give_each_file_once(tmp_path) -> None:
    """A file may be named beside its folder."""
    write(tmp_path, "keys/a.yaml", "keys/b/c.yaml")
    source = DirectorySource(tmp_path, ["keys/b", "keys", "keys/a.yaml", "./keys"])
    assert paths(source) == ["keys/a.yaml", "keys/b/c.yaml"]


def test_the_root_itself_can_be_the_place(tmp_path) -> None:
    """Hidden folders such as .keyrec do not count."""
    write(tmp_path, "a.yaml", "b/c.yaml", ".keyrec/d.yaml")
    assert paths(DirectorySource(tmp_path, ["."])) == ["a.yaml", "b/c.yaml"]


def test_an_absolute_place_below_the_root_is_taken_as_relative(tmp_path) -> None:
    """People name folders as their shell completes them."""
    write(tmp_path, "keys/a.yaml")
    assert paths(DirectorySource(tmp_path, [str(tmp_path / "keys")])) == ["keys/a.yaml"]


def test_a_named_file_counts_whatever_its_name(tmp_path) -> None:
    """Who names one file means it."""
    write(tmp_path, "keys/.a.txt")
    assert paths(DirectorySource(tmp_path, ["keys/.a.txt"])) == ["keys/.a.txt"]


@pytest.mark.parametrize("place", ["../keys", "keys/../..", "/etc"])
def test_a_place_outside_of_the_root_is_refused(tmp_path, place) -> None:
    """Configuration cannot name files of other people."""
    with pytest.raises(SourceUnavailable, match=r"is outside of the folder of keyrec\.yaml"):
        DirectorySource(tmp_path, [place])


def test_links_that_stay_inside_are_followed(tmp_path) -> None:
    """A folder may be shared by a link; one that leads to itself ends there."""
    write(tmp_path, "shared/a.yaml", "keys/b.yaml")
    (tmp_path / "keys/more").symlink_to("../shared")
    (tmp_path / "keys/again").symlink_to(".")
    (tmp_path / "keys/c.yaml").symlink_to("b.yaml")
    source = DirectorySource(tmp_path, ["keys"])
    assert paths(source) == ["keys/b.yaml", "keys/c.yaml", "keys/more/a.yaml"]


@pytest.mark.parametrize("target", ["/etc", "../../outside", "../../outside/a.yaml"])
def test_links_that_leave_the_root_are_refused(tmp_path, target) -> None:
    """A pull request cannot make keyrec read files beside the repository."""
    write(tmp_path, "outside/a.yaml", "root/keys/b.yaml")
    (tmp_path / "root/keys/link.yaml").symlink_to(target)
    with pytest.raises(SourceUnavailable) as caught:
        DirectorySource(tmp_path / "root", ["keys"]).files()
    assert caught.value.message == "keys/link.yaml leads out of the folder of keyrec.yaml"
    assert caught.value.advice == "keep manifests inside of it, or take the link away"


def test_a_place_that_is_a_link_out_of_the_root_is_refused(tmp_path) -> None:
    """The places themselves are held to the same."""
    write(tmp_path, "outside/a.yaml", "root/b.yaml")
    (tmp_path / "root/keys").symlink_to("../outside")
    with pytest.raises(SourceUnavailable, match=r"^keys leads out"):
        DirectorySource(tmp_path / "root", ["keys"]).files()


def test_a_link_that_is_no_manifest_is_left_alone(tmp_path) -> None:
    """Whatever else lies in the folder is not looked at."""
    write(tmp_path, "keys/a.yaml")
    (tmp_path / "keys/README").symlink_to("/nowhere")
    assert paths(DirectorySource(tmp_path, ["keys"])) == ["keys/a.yaml"]


@pytest.mark.parametrize("target", ["nowhere.yaml", "link.yaml"])
def test_a_link_to_nowhere_is_refused(tmp_path, target) -> None:
    """A missing file is not an empty one: its keys would be gone."""
    write(tmp_path, "keys/a.yaml")
    (tmp_path / "keys/link.yaml").symlink_to(target)
    with pytest.raises(SourceUnavailable, match=r"keys/(nowhere|link)\.yaml"):
        DirectorySource(tmp_path, ["keys"]).files()


def test_a_missing_place_is_refused(tmp_path) -> None:
    """A typing error must not look like a repository without keys."""
    with pytest.raises(SourceUnavailable) as caught:
        DirectorySource(tmp_path, ["keys"]).files()
    assert caught.value.message == "there is no keys"
    assert caught.value.advice == (
        "make the folder, or name another one under manifests in keyrec.yaml"
    )


def test_a_missing_root_is_refused(tmp_path) -> None:
    """The folder of keyrec.yaml itself is gone."""
    with pytest.raises(SourceUnavailable, match=r"^there is no .*gone$"):
        DirectorySource(tmp_path / "gone", ["keys"]).files()


def test_a_folder_without_manifests_gives_none(tmp_path) -> None:
    """Whether that may remove keys is for the guards to say."""
    (tmp_path / "keys").mkdir()
    assert DirectorySource(tmp_path, ["keys"]).files() == ()


def test_a_pipe_is_refused_without_waiting(tmp_path) -> None:
    """Opening it could wait for ever."""
    (tmp_path / "keys").mkdir()
    os.mkfifo(tmp_path / "keys/a.yaml")
    with pytest.raises(SourceUnavailable, match=r"^keys/a\.yaml is not a file$"):
        DirectorySource(tmp_path, ["keys"]).files()


def test_of_a_file_that_is_too_large_only_the_beginning_is_read(tmp_path) -> None:
    """Enough to be refused for its size; a job's memory does not depend on a manifest."""
    write(tmp_path, "keys/a.yaml")
    os.truncate(tmp_path / "keys" / "a.yaml", 8 * LARGEST_FILE)
    (file,) = DirectorySource(tmp_path, ["keys"]).files()
    assert len(file.content) == LARGEST_FILE + 1


def test_a_socket_is_refused_without_asking_it(tmp_path, monkeypatch) -> None:
    """Nothing of it is read."""
    (tmp_path / "keys").mkdir()
    monkeypatch.chdir(tmp_path)  # a socket's name may be no longer than 107 bytes
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("keys/a.yaml")
        with pytest.raises(SourceUnavailable, match=r"^keys/a\.yaml cannot be read: "):
            DirectorySource(tmp_path, ["keys"]).files()


def test_a_pipe_that_somebody_writes_to_is_refused_too(tmp_path) -> None:
    """What comes out of it is not looked at."""
    (tmp_path / "keys").mkdir()
    os.mkfifo(tmp_path / "keys/a.yaml")
    opened = os.open(tmp_path / "keys/a.yaml", os.O_RDWR | os.O_NONBLOCK)
    os.write(opened, b"a: b")
    with pytest.raises(SourceUnavailable, match=r"^keys/a\.yaml is not a file$"):
        DirectorySource(tmp_path, ["keys"]).files()
    assert os.read(opened, 9) == b"a: b"
    os.close(opened)


def test_a_folder_with_the_name_of_a_manifest_is_a_folder(tmp_path) -> None:
    """What is in it counts."""
    write(tmp_path, "keys/a.yaml/b.yaml")
    assert paths(DirectorySource(tmp_path, ["keys"])) == ["keys/a.yaml/b.yaml"]


def read_while(tmp_path, monkeypatch, *, before: bytes, after: bytes, parts: int = 2**30) -> bytes:
    """Read a file that is replaced in place once its size is known, `parts` bytes at a time."""
    (tmp_path / "keys").mkdir()
    at = tmp_path / "keys/a.yaml"
    at.write_bytes(before)
    told, given = os.fstat, os.read

    def tell(number):
        status = told(number)
        at.write_bytes(after)
        return status

    monkeypatch.setattr(os, "fstat", tell)
    monkeypatch.setattr(os, "read", lambda number, size: given(number, min(size, parts)))
    (file,) = DirectorySource(tmp_path, ["keys"]).files()
    return file.content


MEANWHILE = [
    *((b"a: b", b"a: b\nc: d"), (b"a: b", b"a: bc"), (b"", b"a: b")),
    *((b"a: b\nc: d", b"a: b"), (b"a: b", b""), (b"a: b", b"c: d"), (b"", b"")),
]
"""What a file held when it was opened, and what it holds when it is read."""


@pytest.mark.parametrize(("before", "after"), MEANWHILE)
def test_a_file_that_grows_or_shrinks_is_read_to_its_end(
    tmp_path, monkeypatch, before, after
) -> None:
    """Whatever its size was when it was opened."""
    assert read_while(tmp_path, monkeypatch, before=before, after=after) == after


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize(("before", "after"), MEANWHILE)
def test_a_file_that_comes_in_parts_is_put_together(
    tmp_path, monkeypatch, before, after, parts
) -> None:
    """All that it held when it was opened; what was added meanwhile may be there or not."""
    read = read_while(tmp_path, monkeypatch, before=before, after=after, parts=parts)
    assert after.startswith(read)
    assert len(read) >= min(len(before), len(after))


@pytest.mark.parametrize("parts", [2**16, 2**30])
def test_of_a_file_that_grows_too_large_so_much_is_read_that_it_is_seen(
    tmp_path, monkeypatch, parts
) -> None:
    """And no more than twice of what is allowed."""
    after = b"x" * (8 * LARGEST_FILE)
    read = read_while(tmp_path, monkeypatch, before=b"a: b", after=after, parts=parts)
    assert LARGEST_FILE < len(read) <= 2 * LARGEST_FILE


def test_a_trouble_of_the_file_system_is_named(tmp_path, monkeypatch) -> None:
    """Whatever the system says becomes one sentence with the path."""
    write(tmp_path, "keys/a.yaml")

    opens = os.open

    def refuse(path, *more, **named):
        if str(path).endswith("a.yaml"):
            raise PermissionError(13, "Permission denied", str(path))
        return opens(path, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceUnavailable) as caught:
        DirectorySource(tmp_path, ["keys"]).files()
    assert caught.value.message == "keys/a.yaml cannot be read: permission denied"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", [b"a\n.yaml", b"a\x1b[31m.yaml", b"caf\xe9.yaml"])
def test_a_name_that_cannot_be_shown_is_refused(tmp_path, name) -> None:
    """No file name writes to a terminal or breaks a line of a report."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / os.fsdecode(name)).touch()
    with pytest.raises(SourceUnavailable) as caught:
        DirectorySource(tmp_path, ["keys"]).files()
    assert caught.value.message.isprintable()
    assert caught.value.message.endswith("cannot be shown")


@pytest.fixture
def repository(tmp_path):
    """A repository with one committed manifest."""
    repository = Repository(tmp_path / "root")
    repository.write("keys/a.yaml", "a: b\n")
    repository.write("README.md", "a")
    repository.write(".gitignore", "ignored*\n")
    return repository


def test_a_clean_working_tree_is_its_commit(repository) -> None:
    """Other files do not matter."""
    commit = repository.commit()
    repository.write("README.md", "changed")
    repository.write("keys/notes.txt", "new")
    repository.write("other/x.yaml", "new")
    source = DirectorySource(repository.root, ["keys"])
    assert source.revision() == Revision(commit=commit, dirty=False)


CHANGES = {
    "changed": lambda r: r.write("keys/a.yaml", "c: d\n"),
    "staged": lambda r: (r.write("keys/a.yaml", "c: d\n"), r.git("add", "keys/a.yaml")),
    "removed": lambda r: (r.root / "keys/a.yaml").unlink(),
    "untracked": lambda r: r.write("keys/new/b.yaml", ""),
    "ignored": lambda r: r.write("keys/ignored.yaml", ""),
    "ignored folder": lambda r: r.write("keys/ignored/b.yaml", ""),
    "renamed": lambda r: r.git("mv", "keys/a.yaml", "keys/b.yaml"),
    "odd name": lambda r: r.write('keys/a "b" ü.yaml', ""),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_manifest_that_differs_from_the_commit_makes_it_dirty(repository, change) -> None:
    """Also one that git does not know or ignores: it is read all the same."""
    commit = repository.commit()
    change(repository)
    source = DirectorySource(repository.root, ["keys"])
    assert source.revision() == Revision(commit=commit, dirty=True)


def test_a_root_below_the_repository_s_top_is_judged_alone(repository) -> None:
    """Paths are relative to the root, wherever the repository begins."""
    repository.write("team/keys/a.yaml", "a: b\n")
    commit = repository.commit()
    repository.write("keys/a.yaml", "changed")
    source = DirectorySource(repository.root / "team", ["keys"])
    assert source.revision() == Revision(commit=commit, dirty=False)
    repository.write("team/keys/a.yaml", "changed")
    assert source.revision() == Revision(commit=commit, dirty=True)


def test_a_repository_without_a_commit_is_dirty(repository) -> None:
    """There is nothing yet that it could be equal to."""
    source = DirectorySource(repository.root, ["keys"])
    assert source.revision() == Revision(commit=None, dirty=True)


def test_outside_of_git_there_is_no_revision(tmp_path) -> None:
    """Manifests need no repository."""
    write(tmp_path, "keys/a.yaml")
    assert DirectorySource(tmp_path, ["keys"]).revision() == Revision()


def test_without_git_there_is_no_revision(repository, monkeypatch) -> None:
    """A container without git can still apply."""
    repository.commit()
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert DirectorySource(repository.root, ["keys"]).revision() == Revision()


def fake_git(monkeypatch, tmp_path, script: str) -> None:
    """Put another program in git's place."""
    program = tmp_path / "fake-git"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _name: str(program))


def test_a_repository_that_git_does_not_trust_is_named_with_the_mend(tmp_path, monkeypatch) -> None:
    """A container with a mounted checkout would else lose the commit without a word."""
    fake_git(monkeypatch, tmp_path, "echo 'fatal: detected dubious ownership' >&2; exit 128")
    with pytest.raises(SourceUnavailable) as caught:
        DirectorySource(tmp_path, ["keys"]).revision()
    assert caught.value.advice == f"run git config --global --add safe.directory {tmp_path}"


def test_a_status_that_fails_is_an_error(tmp_path, monkeypatch) -> None:
    """Unknown is not clean."""
    script = 'case "$*" in *--porcelain*) exit 1;; *is-inside*) echo true;; *) echo abc;; esac'
    fake_git(monkeypatch, tmp_path, script)
    with pytest.raises(SourceUnavailable, match="git cannot say whether"):
        DirectorySource(tmp_path, ["keys"]).revision()
