"""What commits added is searched for keys: also what was removed again, each once, offline."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from reconciler.adapters.scanned_git import COMMIT_NAME, GitScan
from reconciler.credentials.leaks import Leak, Part
from reconciler.errors import SourceUnavailable, UsageError
from tests.adapters.git_repository import Repository
from tests.fakes.planted import ID, OTHER_ID, key, secret_of


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give a repository with one clean commit."""
    made = Repository(tmp_path / "repository")
    made.write("README", "clean\n")
    made.commit()
    return made


def search(repository: Repository, name: str = "HEAD") -> list[tuple[str, str]]:
    """Give place and commit of all that a range added."""
    return told(GitScan(root=repository.root).range(name))


def told(leaks: Iterable[Leak]) -> list[tuple[str, str]]:
    """Give places with the commits that added them."""
    return [(str(leak.where), leak.commit or "") for leak in leaks]


def test_a_key_is_told_once_with_the_commit_that_added_it(repository: Repository) -> None:
    """Neither a change beside it nor its removal says it again."""
    repository.write("conf/app.env", f"A=1\nKEY={key()}\n")
    added = repository.commit()
    repository.write("conf/app.env", f"A=2\nKEY={key()}\nB=3\n")
    repository.commit()
    repository.write("conf/app.env", "A=2\n")
    last = repository.commit()
    assert search(repository) == [("conf/app.env:2:5", added)]
    assert search(repository, f"{added}~1..{last}") == [("conf/app.env:2:5", added)]


def test_a_range_tells_only_what_its_commits_added(repository: Repository) -> None:
    """An older key that stands in a changed file is an older commit's."""
    repository.write("a", f"{key()}\n")
    first = repository.commit()
    repository.write("a", f"x\n{key()}\n{key(OTHER_ID)}\n")
    second = repository.commit()
    assert search(repository, f"{first}..HEAD") == [("a:3:1", second)]
    assert search(repository, f"{first}..") == [("a:3:1", second)]
    assert search(repository, f"..{first}") == []


def test_a_key_that_came_back_or_moved_on_is_told_by_place(repository: Repository) -> None:
    """Once for each file that it ever stood in, with the first commit."""
    repository.write("a", key())
    first = repository.commit()
    repository.git("mv", "a", "b")
    second = repository.commit()
    repository.git("mv", "b", "a")
    repository.commit()
    assert search(repository) == [("a:1:1", first), ("b:1:1", second)]


def test_a_merge_is_asked_for_what_no_parent_has(repository: Repository) -> None:
    """A branch's key is its commit's; one that came in with the merge itself is the merge's."""
    repository.git("checkout", "--quiet", "-b", "side")
    repository.write("side", key())
    side = repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.write("main", "x")
    repository.commit()
    repository.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    repository.write("side", f"{key()}\n{key(OTHER_ID)}")
    merge = repository.commit()
    assert search(repository) == [("side:1:1", side), ("side:2:1", merge)]


def test_messages_and_names_in_commits_are_searched(repository: Repository) -> None:
    """Lines are those of the message."""
    repository.git("commit", "--quiet", "--allow-empty", "--message", f"subject\n\nuse {key()}")
    said = repository.git("rev-parse", "HEAD")
    author = f"{key(OTHER_ID)} <a@example.com>"
    repository.git("commit", "--quiet", "--allow-empty", "--message", "x", "--author", author)
    named = repository.git("rev-parse", "HEAD")
    leaks = list(GitScan(root=repository.root).range("HEAD"))
    assert [(k.where.file, k.where.line, k.commit, k.part) for k in leaks] == [
        (COMMIT_NAME, 3, said, Part.COMMIT),
        (COMMIT_NAME, 1, named, Part.COMMIT),
    ]
    assert leaks[0].where.column == 5


def test_names_of_files_are_searched_and_any_bytes_are_names(repository: Repository) -> None:
    """A line break in a name is no line of git's answer."""
    repository.write(f"logs/{key()}.txt", "clean")
    repository.write("a\nb\t\x1b[1m", key(OTHER_ID))
    (repository.root / os.fsdecode(b"\xff")).write_text(key(OTHER_ID))
    repository.commit()
    leaks = list(GitScan(root=repository.root).range("HEAD"))
    assert {(k.where.file, k.part) for k in leaks} == {
        (f"logs/krk_prod_{ID}_[redacted].txt", Part.NAME),
        ("a\nb\t\x1b[1m", Part.CONTENT),
        ("\udcff", Part.CONTENT),
    }
    assert secret_of(key()) not in repr(leaks)


def test_binary_files_and_where_links_lead_are_searched(repository: Repository) -> None:
    """Neither bytes nor an attribute hide a file."""
    repository.write(".gitattributes", "* -diff binary -text\n")
    repository.write("a.bin", b"\0\0!" + key().encode())
    (repository.root / "link").symlink_to(f"/nowhere/{key(OTHER_ID)}")
    commit = repository.commit()
    assert search(repository) == [("a.bin:1:2", commit), ("link:1:10", commit)]


def test_a_submodule_is_another_repository(repository: Repository) -> None:
    """Its commit is no object of this one."""
    head = repository.git("rev-parse", "HEAD")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},module")
    repository.git("commit", "--quiet", "--message", "x")
    look = GitScan(root=repository.root)
    assert (list(look.range("HEAD")), look.unread, look.files, look.commits) == ([], [], 1, 2)


def test_nothing_that_a_repository_names_is_run(repository: Repository, tmp_path: Path) -> None:
    """No textconv, external diff, filter, hook, pager or file system monitor."""
    repository.write(".gitattributes", "*.env diff=hostile filter=hostile\n")
    repository.write("a.env", key())
    repository.commit()
    repository.write("b.env", key())
    repository.git("add", "--all")
    mark = tmp_path / "ran"
    program = f"touch {mark}; cat"
    for name in (
        *("diff.external", "diff.hostile.command", "diff.hostile.textconv"),
        *("filter.hostile.smudge", "filter.hostile.clean", "core.fsmonitor", "core.pager"),
    ):
        repository.git("config", name, program)
    for name, value in (
        *(("log.showSignature", "true"), ("color.ui", "always"), ("diff.relative", "true")),
        *(("diff.orderFile", "nowhere"), ("diff.renames", "copies"), ("diff.noprefix", "true")),
    ):
        repository.git("config", name, value)
    assert [place for place, _ in search(repository)] == ["a.env:1:1"]
    assert told(GitScan(root=repository.root).staged()) == [("b.env:1:1", "")]
    assert not mark.exists()
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("-c", "diff.orderFile=/dev/null", "diff", "HEAD")
    assert mark.exists(), "the trap is none"


def test_a_folder_of_a_repository_asks_about_all_of_it(repository: Repository) -> None:
    """Places are named from the top, as git names them."""
    repository.write("sub/x", "x")
    repository.write("a", key())
    commit = repository.commit()
    assert told(GitScan(root=repository.root / "sub").range("HEAD")) == [("a:1:1", commit)]


def test_what_is_staged_is_searched_as_it_is_staged(repository: Repository) -> None:
    """Not what the working tree holds, and only what the commit would add."""
    repository.write("old", f"{key()}\n")
    repository.commit()
    repository.write("old", f"x\n{key()}\n")
    repository.write("new", f"\n{key(OTHER_ID)}\n")
    repository.write("gone", "clean")
    repository.git("add", "--all")
    repository.write("new", "clean again\n")
    repository.write("later", key())
    look = GitScan(root=repository.root)
    assert (told(look.staged()), look.files) == ([("new:2:1", "")], 3)


def test_the_first_commit_is_searched_before_it_is_made(tmp_path: Path) -> None:
    """There is no older one to compare with."""
    repository = Repository(tmp_path)
    repository.write("a", key())
    repository.git("add", "--all")
    assert told(GitScan(root=tmp_path).staged()) == [("a:1:1", "")]


@pytest.mark.parametrize(
    "name", ["nowhere", "HEAD..nowhere", "-p", "--output=x", "", "HEAD..--all"]
)
def test_what_is_no_revision_is_refused(repository: Repository, name: str) -> None:
    """Nothing in a name is an option of git."""
    with pytest.raises(SourceUnavailable, match="revision"):
        search(repository, name)
    assert not (repository.root / "x").exists()


def test_three_dots_are_refused(repository: Repository) -> None:
    """They mean something else to each of git's commands."""
    with pytest.raises(UsageError, match="no range"):
        search(repository, "HEAD~1...HEAD")


@pytest.mark.parametrize("flag", ["--range", "--staged"])
def test_outside_of_a_repository_it_says_so(tmp_path: Path, flag: str) -> None:
    """With the flag that asked for one."""
    look = GitScan(root=tmp_path)
    with pytest.raises(SourceUnavailable, match="not in a git repository") as told_of:
        list(look.range("HEAD") if flag == "--range" else look.staged())
    assert flag in told_of.value.advice


def test_an_object_that_is_gone_is_told_and_stops_nothing(repository: Repository) -> None:
    """A damaged repository is not called clean."""
    repository.write("a", "lost\n")
    repository.write("b", key())
    repository.commit()
    lost = repository.git("rev-parse", "HEAD:a")
    (repository.root / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    look = GitScan(root=repository.root)
    assert [place for place, _ in told(look.range("HEAD"))] == ["b:1:1"]
    assert [u.file for u in look.unread] == ["a"]
    assert "fetch it in full" in look.unread[0].reason


def test_a_commit_that_is_gone_is_told(repository: Repository) -> None:
    """What cannot be listed to its end was not searched."""
    lost = repository.commit()
    repository.commit()
    (repository.root / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(SourceUnavailable, match="cannot read all"):
        search(repository)


def test_a_partial_clone_is_not_completed_by_the_way(
    repository: Repository, tmp_path: Path
) -> None:
    """It is offline: what is not here is said to be not here."""
    repository.write("a", key())
    repository.commit()
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    origin = repository.root.as_uri()
    repository.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", origin, str(partial))
    look = GitScan(root=partial)
    with pytest.raises(SourceUnavailable, match="cannot read all"):
        list(look.range("HEAD"))


def test_a_history_is_read_as_it_comes(repository: Repository) -> None:
    """The first key is told before the last commit is looked at."""
    repository.write("a", key())
    first = repository.commit()
    for _ in range(5):
        repository.commit()
    look = GitScan(root=repository.root)
    leaks = look.range("HEAD")
    assert next(leaks).commit == first
    assert look.commits == 2
    assert list(leaks) == []
    assert look.commits == 7


def test_a_search_that_is_left_leaves_no_program_behind(repository: Repository) -> None:
    """Ctrl-C in the middle of a long history."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    repository.write("a", key())
    repository.commit()
    before = set(children.read_text().split())
    leaks = GitScan(root=repository.root).range("HEAD")
    next(leaks)
    assert set(children.read_text().split()) - before
    leaks.close()  # type: ignore[attr-defined]  # a generator, which is what is tested
    assert set(children.read_text().split()) - before == set()
