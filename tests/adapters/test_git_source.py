"""Manifests from a git revision: from objects alone, equal to what a checkout would give."""

import shutil

import pytest

from reconciler.adapters import git_source
from reconciler.adapters.directory_source import DirectorySource
from reconciler.adapters.git_command import run_git
from reconciler.adapters.git_source import GitSource
from reconciler.errors import SourceUnavailable
from reconciler.manifest.files import LARGEST_FILE
from reconciler.model.source import Revision
from tests.adapters.git_repository import Repository
from tests.adapters.test_directory_source import fake_git, paths


@pytest.fixture
def repository(tmp_path):
    """A repository with manifests of all sorts."""
    repository = Repository(tmp_path / "root")
    repository.write("keys/b/z.yaml", "z: 1\n")
    repository.write("keys/b/a.yml", b"")
    repository.write("keys/a.yaml", b"a: \xff\n\nblob 5\n")
    repository.write('keys/a "b" *ü.yaml', "odd: true\n")
    repository.write("keys/-rf.yaml", "dash: true\n")
    repository.write("keys/:(glob)x.yaml", "magic: true\n")
    repository.write("keys/.hidden.yaml", "no: 1\n")
    repository.write("keys/README.md", "no")
    repository.write("other/x.yaml", "x: 1\n")
    return repository


@pytest.mark.parametrize("places", [["keys"], ["."], ["keys/b", "other/x.yaml"], ["keys", "keys"]])
def test_a_revision_gives_what_a_checkout_gives(repository, places) -> None:
    """The same files, the same bytes, the same order."""
    commit = repository.commit()
    source = GitSource(repository.root, places, commit)
    assert source.files() == DirectorySource(repository.root, places).files()
    assert len(source.files()) > 1


def test_a_root_below_the_repository_s_top_gives_paths_below_it(repository) -> None:
    """Paths are relative to the root, wherever the repository begins."""
    repository.write("team/keys/a.yaml", "a: 1\n")
    repository.commit()
    assert paths(GitSource(repository.root / "team", ["keys"], "HEAD")) == ["keys/a.yaml"]


def test_the_working_tree_is_not_looked_at(repository) -> None:
    """Neither changes nor removed files matter."""
    first = repository.commit()
    before = GitSource(repository.root, ["keys"], first).files()
    repository.write("keys/b/z.yaml", "changed: 1\n")
    shutil.rmtree(repository.root / "keys/b")
    repository.write("keys/new.yaml", "new: 1\n")
    assert GitSource(repository.root, ["keys"], first).files() == before


@pytest.mark.parametrize("name", ["HEAD", "main", "v1", "HEAD~0", "refs/heads/main", "short"])
def test_a_revision_can_be_named_as_git_names_it(repository, name) -> None:
    """Commits, branches, annotated tags, short ids."""
    commit = repository.commit()
    repository.git("tag", "--annotate", "v1", "--message", "a")
    asked = commit[:10] if name == "short" else name
    source = GitSource(repository.root, ["keys"], asked)
    assert source.revision() == Revision(commit=commit, dirty=False)


def test_a_branch_that_moves_meanwhile_does_not_matter(repository) -> None:
    """Files and revision are of one commit."""
    first = repository.commit()
    source = GitSource(repository.root, ["keys"], "main")
    assert source.revision().commit == first
    repository.write("keys/new.yaml", "new: 1\n")
    repository.commit()
    assert "keys/new.yaml" not in paths(source)


@pytest.mark.parametrize("name", ["-h", "--all", "--output=x", "", "a\nb", "a\x00b"])
def test_a_name_that_is_no_revision_is_refused_before_git_sees_it(tmp_path, name) -> None:
    """Nothing is ever taken for an option."""
    with pytest.raises(SourceUnavailable, match=r"is not a revision$"):
        GitSource(tmp_path, ["keys"], name).revision()


@pytest.mark.parametrize("name", ["nowhere", "0" * 40, "HEAD:keys", "HEAD^{tree}", "main..main"])
def test_a_revision_that_is_no_commit_is_refused(repository, name) -> None:
    """Trees, ranges, missing commits."""
    repository.commit()
    with pytest.raises(SourceUnavailable) as caught:
        GitSource(repository.root, ["keys"], name).files()
    assert caught.value.message == f"there is no revision {name}"
    assert caught.value.advice == "fetch it first, or name another commit, branch or tag"


def test_a_place_that_the_revision_does_not_have_is_refused(repository) -> None:
    """A typing error must not look like a revision without keys."""
    repository.commit()
    with pytest.raises(SourceUnavailable, match=r"^there is no kyes at revision HEAD$"):
        GitSource(repository.root, ["kyes"], "HEAD").files()


def test_a_link_in_a_revision_is_refused(repository) -> None:
    """Its content is a path; it is never taken for a manifest."""
    (repository.root / "keys/link.yaml").symlink_to("a.yaml")
    repository.commit()
    with pytest.raises(SourceUnavailable, match=r"^keys/link\.yaml is a symbolic link"):
        GitSource(repository.root, ["keys"], "HEAD").files()


def test_a_name_that_cannot_be_shown_is_refused(repository) -> None:
    """As in a folder."""
    repository.write("keys/a\tb.yaml", "")
    repository.commit()
    with pytest.raises(SourceUnavailable, match=r"cannot be shown$"):
        GitSource(repository.root, ["keys"], "HEAD").files()


def test_a_submodule_is_not_looked_into(repository) -> None:
    """Its commits are another repository's."""
    commit = repository.commit()
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},keys/sub.yaml")
    repository.git("commit", "--quiet", "--message", "sub")
    assert "keys/sub.yaml" not in paths(GitSource(repository.root, ["keys"], "HEAD"))


def test_a_revision_without_manifests_gives_none(repository) -> None:
    """The place is there, with nothing of ours in it."""
    repository.write("docs/README.md", "a")
    repository.commit()
    assert GitSource(repository.root, ["docs"], "HEAD").files() == ()


def test_a_missing_object_is_an_error(repository) -> None:
    """A partial clone must not look like fewer keys."""
    repository.commit()
    blob = repository.git("rev-parse", "HEAD:keys/a.yaml")
    (repository.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceUnavailable, match=r"^revision HEAD is not complete here"):
        GitSource(repository.root, ["keys"], "HEAD").files()


def test_outside_of_git_there_are_no_revisions(tmp_path) -> None:
    """One sentence with the way out."""
    with pytest.raises(SourceUnavailable, match=r"is not in a git repository$"):
        GitSource(tmp_path, ["keys"], "HEAD").files()


def test_without_git_there_are_no_revisions(tmp_path, monkeypatch) -> None:
    """The program itself is missing."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(SourceUnavailable, match=r"^git is not installed$"):
        GitSource(tmp_path, ["keys"], "HEAD").files()


def test_a_tree_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch) -> None:
    """Unknown is not empty."""
    fake_git(monkeypatch, tmp_path, 'case "$*" in *ls-tree*) exit 1;; *) echo abc;; esac')
    with pytest.raises(SourceUnavailable, match=r"^git cannot list revision HEAD$"):
        GitSource(tmp_path, ["keys"], "HEAD").files()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(repository) -> None:
    """A few compressed kilobytes of a pull request would unfold into the job's whole memory."""
    repository.write("keys/large.yaml", b"#" * LARGEST_FILE)
    repository.commit()
    assert len(GitSource(repository.root, ["keys"], "HEAD").files()) > 1
    repository.write("keys/large.yaml", b"#" * (LARGEST_FILE + 1))
    repository.commit()
    with pytest.raises(SourceUnavailable, match=r"keys/large\.yaml at .* HEAD is too large"):
        GitSource(repository.root, ["keys"], "HEAD").files()


def named(repository, places=("keys",)) -> str:
    """Give what names the manifests of the newest commit."""
    name = GitSource(repository.root, list(places), "HEAD").content_id()
    assert name is not None
    return name


def test_the_same_manifests_have_the_same_name_in_every_commit(repository) -> None:
    """Whatever else was committed, and whatever the working tree holds."""
    repository.commit()
    first = named(repository)
    repository.write("other/x.yaml", "y: 1\n")
    repository.commit()
    repository.write("keys/a.yaml", "not committed")
    assert named(repository) == first
    assert named(repository, ["keys", "other"]) != first


RENAMINGS = {
    "bytes": lambda r: r.write("keys/b/z.yaml", "z: 2\n"),
    "a path": lambda r: (r.root / "keys/a.yaml").rename(r.root / "keys/c.yaml"),
    "a new file": lambda r: r.write("keys/b/new.yaml", ""),
    "a file less": lambda r: (r.root / "keys/b/a.yml").unlink(),
    "a link in its place": lambda r: (
        (r.root / "keys/b/a.yml").unlink(),
        (r.root / "keys/b/a.yml").symlink_to("z.yaml"),
    ),
}


@pytest.mark.parametrize("change", RENAMINGS.values(), ids=RENAMINGS)
@pytest.mark.parametrize("places", [["keys"], ["."], ["keys/b", "keys"], ["other", "keys"]])
def test_other_manifests_have_another_name(repository, change, places) -> None:
    """At any of the places, and below them."""
    repository.commit()
    first = named(repository, places)
    change(repository)
    repository.commit()
    assert named(repository, places) != first


def test_the_places_are_part_of_the_name(repository) -> None:
    """The same files at another place have other paths."""
    repository.write("copy/a.yaml", "a: 1\n")
    repository.write("again/a.yaml", "a: 1\n")
    repository.commit()
    assert named(repository, ["copy"]) != named(repository, ["again"])


def test_a_place_that_is_not_there_has_no_name(repository) -> None:
    """Reading it will say so."""
    repository.commit()
    assert GitSource(repository.root, ["nowhere"], "HEAD").content_id() is None
    assert GitSource(repository.root / "keys", ["b"], "HEAD").content_id() is not None


def test_a_link_in_place_of_a_file_has_no_name(repository) -> None:
    """Its target may be spelled as the file was, so that git has one id for both."""
    repository.write("keys.yaml", "b.yaml")
    repository.commit()
    assert named(repository, ["keys.yaml"])
    blob = repository.git("rev-parse", "HEAD:keys.yaml")
    (repository.root / "keys.yaml").unlink()
    (repository.root / "keys.yaml").symlink_to("b.yaml")
    repository.commit()
    assert repository.git("rev-parse", "HEAD:keys.yaml") == blob
    for places in (["keys.yaml"], ["keys", "keys.yaml"]):
        source = GitSource(repository.root, places, "HEAD")
        assert source.content_id() is None
        with pytest.raises(SourceUnavailable, match=r"is a symbolic link"):
            source.files()


def test_a_submodule_has_no_name(repository) -> None:
    """Its commits are another repository's, and reading it is refused."""
    commit = repository.commit()
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    repository.git("commit", "--quiet", "--message", "sub")
    assert GitSource(repository.root, ["sub"], "HEAD").content_id() is None


@pytest.mark.parametrize("places", [["keys", "keys/b"], ["keys/b/z.yaml", "keys", "other"]])
def test_a_place_within_another_has_a_name_that_nothing_beside_it_changes(
    repository, places
) -> None:
    """At the repository's top, and in a folder of it."""
    (repository.root / "team").mkdir()
    for name in ("keys", "other"):
        shutil.copytree(repository.root / name, repository.root / "team" / name)
    repository.commit()
    roots = (repository.root, repository.root / "team")
    first = [GitSource(root, places, "HEAD").content_id() for root in roots]
    assert None not in first
    repository.write("README.md", "a")
    repository.write("team/README.md", "a")
    repository.commit()
    assert [GitSource(root, places, "HEAD").content_id() for root in roots] == first


@pytest.mark.parametrize("places", [["."], [".", "keys"], [".", "nowhere"]])
def test_the_whole_root_has_a_name_where_it_stands_alone(repository, places) -> None:
    """Beside other places it is read; the top of a repository and a folder in it are alike."""
    repository.write("team/keys/a.yaml", "a: 1\n")
    repository.commit()
    for root in (repository.root, repository.root / "team"):
        assert (GitSource(root, places, "HEAD").content_id() is not None) is (places == ["."])


def test_a_name_costs_one_run_of_git_however_many_places_there_are(repository, monkeypatch) -> None:
    """Beside those that find the commit."""
    repository.commit()
    source = GitSource(repository.root, ["keys", "other", "keys/b"], "HEAD")
    source.revision()
    runs = []

    def counted(root, arguments):
        runs.append(arguments)
        return run_git(root, arguments)

    monkeypatch.setattr(git_source, "run_git", counted)
    assert source.content_id() is not None
    assert len(runs) == 1


def test_a_branch_that_moves_meanwhile_changes_neither_name_nor_files(repository) -> None:
    """What is named is what is read."""
    repository.commit()
    source = GitSource(repository.root, ["keys"], "main")
    name, before = named(repository), GitSource(repository.root, ["keys"], "main").files()
    assert source.content_id() == name
    repository.write("keys/a.yaml", "a: moved\n")
    repository.commit()
    assert (source.content_id(), source.files()) == (name, before)
