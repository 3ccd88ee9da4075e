"""Whatever happens, `plan` says what `plan --no-cache` says; and what applies believes no cache."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Engine

from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import find_configuration
from reconciler.bootstrap.quiet_plans import QuietPlans
from reconciler.bootstrap.wishes import PlanWish
from reconciler.bootstrap.workplace import Workplace
from reconciler.manifest import alone as by_file
from reconciler.manifest.remembered import written
from reconciler.ports import ManifestFile
from reconciler.render.style import PLAIN
from tests.cli.quiet_rigs import KEY, Quiet, quiet_place
from tests.fakes.command_line import CommandLine
from tests.services.postgres import own_schema

OTHER = "keys/demo/other.yaml"
TEXT = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: other-dev, workspace: demo}
spec: {environment: dev, scopes: {Webhooks: read}, active: true}
"""
Step = Callable[[Quiet], object]


def edit(old: str, new: str, path: str = KEY) -> Step:
    """Give an edit of a manifest, or its undoing where it was made already."""

    def step(place: Quiet) -> None:
        file = place.line.folder / path
        text = file.read_text() if file.exists() else ""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(new, old) if new in text else text.replace(old, new))

    return step


def toggle(path: str, text: str) -> Step:
    """Give the making of a file, or its end."""

    def step(place: Quiet) -> None:
        file = place.line.folder / path
        file.unlink() if file.exists() else place.line.write(path, text)

    return step


def swap(place: Quiet) -> None:
    """Give a file another name, and back."""
    one, two = (place.line.folder / name for name in (KEY, "keys/demo/moved.yaml"))
    one.rename(two) if one.exists() else two.rename(one)


def spoil(place: Quiet) -> None:
    """Damage all that is remembered."""
    for path in place.cache.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2] + b"\x00spoiled" + content[:9])


STEPS: dict[str, Step] = {
    "a field": edit("Reviews: read", "Reviews: operate"),
    "a comment": edit("spec:\n", "spec: # here\n"),
    "a schedule": edit("every: 7d", "every: 30d"),
    "a fault": edit("expiration: 30d", "expiration: 31d"),
    "against the store": edit("expiration: 30d", "expiration: 90d"),
    "another key": toggle(OTHER, TEXT),
    "another key, inactive": edit("active: true", "active: false", OTHER),
    "a file without keys": toggle("keys/demo/empty.yaml", "# nothing\n"),
    "another path": swap,
    "apply": lambda p: p.keyrec("apply", "--auto-approve"),
    "apply a removal": lambda p: p.keyrec("apply", "--auto-approve", "--allow-removals", "1"),
    "maintain": lambda p: p.keyrec("apply", "--maintenance"),
    "hold": lambda p: p.keyrec("hold", "hello-dev", "--reason", "x"),
    "release": lambda p: p.keyrec("release", "hello-dev"),
    "rotate": lambda p: p.keyrec("rotate", "hello-dev"),
    "leaked": lambda p: p.keyrec("rotate", "hello-dev", "--leaked"),
    "an owner by hand": lambda p: p.sql("UPDATE keys SET owner = coalesce(owner, '') || 'x'"),
    "a version by hand": lambda p: p.sql("UPDATE key_versions SET custody = custody || 'x'"),
    "a state by hand": lambda p: p.sql(
        "UPDATE key_versions SET state = 'retired' WHERE state = 'retiring'"
    ),
    "a path by hand": lambda p: p.sql("UPDATE sink_paths SET last_version = last_version + 1"),
    "a record by hand": lambda p: p.sql("UPDATE keys SET record_version = record_version + 1"),
    "an hour": lambda p: p.advance(timedelta(hours=1)),
    "a week": lambda p: p.advance(timedelta(days=7)),
    "a month": lambda p: p.advance(timedelta(days=31)),
    "a spoiled cache": spoil,
    "a lost cache": lambda p: shutil.rmtree(p.cache, ignore_errors=True),
}
CALM = (
    *("a comment", "another path", "a file without keys", "a path by hand", "hold", "release"),
    *("a record by hand", "a spoiled cache", "an hour", "a lost cache"),
)
"""Steps after which a plan of the first key is silent."""
FLAGS = st.sampled_from(
    [
        *((), (), (), ("--target", "*/hello*"), ("--exclude", "demo/other-dev")),
        *(("--no-new-access",), ("--detailed-exitcode",), ("--allow-removals", "1")),
        ("--color", "always"),
    ]
)
STORIES = st.lists(st.tuples(st.sampled_from(list(STEPS)), FLAGS), min_size=1, max_size=6)
AGAIN = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def tell(place: Quiet, story: list[tuple[str, tuple[str, ...]]]) -> int:
    """Live through a story; at each step both ways of planning agree. How often one was silent
    without having been made.
    """
    remembered = 0
    for name, flags in story:
        place.settle()
        STEPS[name](place)
        place.settle()
        for asked in dict.fromkeys([flags, ()]):
            anew, count = place.plan("--no-cache", *asked), len(place.made)
            assert [place.plan(*asked), place.plan(*asked)] == [anew, anew], (name, asked)
            remembered += count + 2 - len(place.made)
    return remembered


class Folders:
    """Gives each story a folder of its own, and takes back what it patched."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._root = root
        self._capsys = capsys
        self._numbers = itertools.count()

    @contextmanager
    def place(self, url: str | None) -> Iterator[Quiet]:
        """Give a place with its first key."""
        root = self._root / str(next(self._numbers))
        folder, home = root / "platform-keys", root / "home"
        folder.mkdir(parents=True)
        home.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            line = CommandLine(folder=folder, home=home, monkeypatch=patch, capsys=self._capsys)
            line.prepare()
            with quiet_place(line, url) as place:
                yield place


@pytest.fixture
def folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folders:
    """Give folders for stories."""
    return Folders(tmp_path, capsys)


@settings(max_examples=10, deadline=None, suppress_health_check=AGAIN)
@given(story=STORIES)
def test_both_ways_of_planning_agree_at_every_step_on_a_file(folders: Folders, story) -> None:
    """The same bytes and the same exit code, whatever was edited, applied or changed by hand."""
    with folders.place(None) as place:
        tell(place, story)


@settings(max_examples=6, deadline=None, suppress_health_check=AGAIN)
@given(story=STORIES)
def test_both_ways_of_planning_agree_at_every_step_on_a_server(
    folders: Folders, postgres_server: URL, postgres_admin: Engine, story
) -> None:
    """A server's rows are looked at, not a file's times."""
    with own_schema(postgres_server, postgres_admin) as url, folders.place(url) as place:
        tell(place, story)


def test_one_long_story_has_every_step(folders: Folders) -> None:
    """So that no run of these tests is without any of them; some plans are remembered."""
    with folders.place(None) as place:
        assert tell(place, [(name, ()) for name in CALM]) >= len(CALM)
        tell(place, [(name, ()) for name in STEPS])


FORGED = "No changes. 99 keys match.\n"


@pytest.fixture
def deceived(keyrec: CommandLine) -> Iterator[Quiet]:
    """Give a place with a change, whose cache holds lies under all the right names."""
    with quiet_place(keyrec, None) as place:
        place.line.change(KEY, "Reviews: read", "Reviews: operate")
        _forge_manifests(place)
        _forge_plan(place)
        yield place


def _forge_manifests(place: Quiet) -> None:
    """Have the manifest's bytes say something else."""
    file = ManifestFile(path=KEY, content=(place.line.folder / KEY).read_bytes())
    lie = ManifestFile(path=KEY, content=file.content.replace(b"operate", b"read"))
    said = written(by_file._judge_file(lie).declarations)
    assert said is not None
    memory = doors.open_memory(find_configuration(None).settings)
    assert memory is not None
    memory.keep({by_file._digest(file): said})


def _forge_plan(place: Quiet) -> None:
    """Have a plan of these manifests and this store say nothing."""
    configuration = find_configuration(None)
    with Workplace(configuration, stop=None) as opened:  # type: ignore[arg-type]  # nothing runs
        wish = PlanWish(brief=True, cached=True, shared=True)
        source = doors.open_source(configuration.settings)
        quiet = QuietPlans(place=opened, wish=wish, source=source, style=PLAIN)
        since, until = (place.now + timedelta(days=days) for days in (-1, 1))
        assert quiet.state is not None
        lie = f'{{"words": {FORGED!r}, "state": "{quiet.state.text}", "since": "{since.isoformat()}", '
        lie = lie.replace("'", '"') + f'"until": "{until.isoformat()}"}}'
        quiet._folder.save(quiet._name, lie.encode())


def test_the_lies_stand_where_a_plan_would_believe_them(deceived: Quiet) -> None:
    """Only the user could have written them; without a cache the truth is told."""
    assert deceived.plan().out == FORGED
    assert deceived.plan("--target", "*", "--detailed-exitcode").code == 0
    assert "read → operate" in deceived.plan("--no-cache").out


@pytest.mark.parametrize("argv", [(), ("--target", "*"), ("--maintenance",)])
def test_apply_believes_no_cache(deceived: Quiet, argv: tuple[str, ...]) -> None:
    """It reads and judges everything anew, and what it applies is what the manifests say."""
    before = {p: p.read_bytes() for p in deceived.cache.rglob("*") if p.is_file()}
    answer = deceived.keyrec("apply", "--auto-approve", *argv)
    assert answer.code == 0, answer.both
    left = deceived.line("plan", "--no-cache", "--detailed-exitcode").code
    assert left == (2 if "--maintenance" in argv else 0)
    assert {p: p.read_bytes() for p in deceived.cache.rglob("*") if p.is_file()} == before


def test_validate_and_drift_believe_none_either(deceived: Quiet) -> None:
    """What is asked of manifests is read from them."""
    shutil.rmtree(deceived.cache / "plans")
    deceived.line.change(KEY, "Reviews: operate", "Reviews: nothing")
    assert deceived.line("validate").code == 3
    assert deceived.line("drift").code == 0
