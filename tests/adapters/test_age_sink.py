"""The age sink beyond its contract: files that people see, crashes, full disks, real clients."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters import age_folders
from reconciler.adapters.age_disk import Disk
from reconciler.adapters.age_identity import kept_identity
from reconciler.adapters.age_sink import AgeSink
from reconciler.errors import (
    SinkDenied,
    SinkMisconfigured,
    SinkOutcomeUnknown,
    SinkUnavailable,
)
from reconciler.model.custody import custody_of
from reconciler.ports import CheckAndSetRefused
from tests.contracts.sink_rigs import decrypted, payload, text
from tests.services.programs import needs

PATH = "payments/prod/billing-sync"
ID = "b9f3c6de-1d4c-4c6b-9f0a-3f1e4f4d9a51"


class Death(BaseException):
    """The process ends here: nothing after it runs, as after kill -9."""


class FailingDisk(Disk):
    """A disk whose step number `at`, counted from 1, fails before or after it is done."""

    def __init__(self, at: int, error: BaseException, *, done: bool = False) -> None:
        self.at = at
        self.error = error
        self.done = done
        self.steps: list[str] = []

    def step(self, name: str, act: Callable[[], None]) -> None:
        self.steps.append(name)
        strikes = len(self.steps) == self.at
        if strikes and not self.done:
            raise self.error
        act()
        if strikes:
            raise self.error

    def fill(self, folder: int, name: str, content: bytes) -> None:
        self.step("fill", lambda: super(FailingDisk, self).fill(folder, name, content))

    def point(self, folder: int, name: str, target: str) -> None:
        self.step("point", lambda: super(FailingDisk, self).point(folder, name, target))

    def rename(self, folder: int, old: str, new: str) -> None:
        self.step("rename", lambda: super(FailingDisk, self).rename(folder, old, new))

    def remove(self, folder: int, name: str) -> None:
        self.step("remove", lambda: super(FailingDisk, self).remove(folder, name))

    def settle(self, folder: int) -> None:
        self.step("settle", lambda: super(FailingDisk, self).settle(folder))

    def make_folder(self, folder: int, name: str) -> None:
        self.step("make folder", lambda: super(FailingDisk, self).make_folder(folder, name))


NEVER = 10**6
STEPS = [
    *["make folder"] * 2,  # payments, prod
    *["remove"] * 2,  # what a crash may have left
    *["fill", "rename", "settle"],  # the numbered file
    *["point", "rename", "settle"],  # the pointer
]


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """Give an identity outside of the secrets' folder."""
    return tmp_path / "home" / "identity.txt"


@pytest.fixture
def opened(tmp_path, identity) -> Callable[..., AgeSink]:
    """Give a way to open the sink, with a disk of the test's choice."""
    recipient = kept_identity(identity)
    directory = tmp_path / "secrets"
    AgeSink(directory, recipients=(recipient,)).prepare(ID)
    return lambda disk=None: AgeSink(directory, recipients=(recipient,), disk=disk)


@pytest.fixture
def directory(tmp_path: Path, opened) -> Path:
    """Give the prepared folder."""
    return tmp_path / "secrets"


def files(directory: Path) -> list[str]:
    """Give every file and link below the folder."""
    found = (p for p in directory.rglob("*") if p.is_symlink() or p.is_file())
    return sorted(str(p.relative_to(directory)) for p in found)


def test_versions_are_numbered_files_behind_a_relative_link(opened, directory):
    """Names that a person finds their way in."""
    opened().write(PATH, payload(1), expected=0)
    opened().write(PATH, payload(2), expected=1)
    assert files(directory) == [
        ".keyrec-sink",
        "payments/prod/billing-sync.1.age",
        "payments/prod/billing-sync.2.age",
        "payments/prod/billing-sync.age",
    ]
    assert (directory / f"{PATH}.age").readlink() == Path("billing-sync.2.age")


def test_files_and_folders_are_their_owners_alone(opened, directory):
    """Mode 0600 and 0700, whatever the umask says."""
    before = os.umask(0)
    try:
        opened().write(PATH, payload(), expected=0)
        opened().write_anchor("{}", expected=0)
    finally:
        os.umask(before)
    entries = [p for p in directory.rglob("*") if not p.is_symlink()]
    modes = {(p.is_dir(), stat.S_IMODE(p.stat().st_mode)) for p in [directory, *entries]}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_the_plain_text_is_the_key_and_a_newline(opened, directory, identity):
    """Nothing else, so that `age -d` prints exactly the key."""
    from pyrage import decrypt, x25519

    opened().write(PATH, payload(), expected=0)
    line = identity.read_text().splitlines()[-1]
    plain = decrypt((directory / f"{PATH}.age").read_bytes(), [x25519.Identity.from_str(line)])
    assert plain == f"{text()}\n".encode()


def test_the_anchor_is_plain_and_only_its_latest_version_is_kept(opened, directory):
    """It holds no secret, and auditors read it with any tool."""
    opened().write_anchor('{"sequence":1}', expected=0)
    opened().write_anchor('{"sequence":2}', expected=1)
    assert (directory / "_keyrec/anchor.json").read_text() == '{"sequence":2}'
    assert files(directory) == [".keyrec-sink", "_keyrec/anchor.2.json", "_keyrec/anchor.json"]


def test_the_steps_of_a_write_are_these(opened):
    """The order that crashes are tried in; a new step has to be put there."""
    disk = FailingDisk(NEVER, Death())
    opened(disk).write(PATH, payload(1), expected=0)
    assert disk.steps == STEPS


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, len(STEPS) + 1))
def test_a_death_at_any_step_leaves_the_old_version_or_the_new_and_the_next_write_works(
    opened, directory, identity, at, done
):
    """The consumer reads a whole version at every instant, and nothing stale stays for long."""
    opened().write(PATH, payload(1), expected=0)
    with pytest.raises(Death):
        opened(FailingDisk(at, Death(), done=done)).write(PATH, payload(2), expected=1)
    seen = opened().observe(PATH).version
    assert decrypted(identity, directory / f"{PATH}.age") == text(seen)
    assert opened().write(PATH, payload(3), expected=seen) == seen + 1
    assert decrypted(identity, directory / f"{PATH}.age") == text(3)
    assert [name for name in files(directory) if "/." in name] == []


@pytest.mark.parametrize("at", range(1, len(STEPS) + 1))
def test_a_death_at_any_step_of_the_first_write_leaves_nothing_or_the_version(
    opened, directory, identity, at
):
    """The same on a fresh path."""
    with pytest.raises(Death):
        opened(FailingDisk(at, Death())).write(PATH, payload(1), expected=0)
    seen = opened().observe(PATH).version
    assert decrypted(identity, directory / f"{PATH}.age") == (text(1) if seen else None)


@pytest.mark.parametrize("at", range(1, len(STEPS)))
def test_a_full_disk_at_any_step_before_the_switch_changes_nothing(opened, directory, identity, at):
    """The error says that nothing was written, and no remains take the last bytes."""
    opened().write(PATH, payload(1), expected=0)
    before = files(directory)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(SinkUnavailable) as refused:
        opened(FailingDisk(at, full)).write(PATH, payload(2), expected=1)
    assert "Make room" in refused.value.advice
    assert files(directory) == before
    assert decrypted(identity, directory / f"{PATH}.age") == text(1)


@pytest.mark.parametrize("at", [len(STEPS) - 1, len(STEPS)])
def test_a_failure_after_the_switch_is_an_unknown_outcome(opened, at):
    """The new version is visible; whether it survives a power failure nobody can say."""
    opened().write(PATH, payload(1), expected=0)
    disk = FailingDisk(at, OSError(errno.EIO, "Input/output error"), done=True)
    with pytest.raises(SinkOutcomeUnknown):
        opened(disk).write(PATH, payload(2), expected=1)
    assert opened().observe(PATH).version == 2


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.EACCES, SinkDenied),
        (errno.EPERM, SinkDenied),
        (errno.EROFS, SinkDenied),
        (errno.ENOSPC, SinkUnavailable),
        (errno.EDQUOT, SinkUnavailable),
        (errno.EIO, SinkUnavailable),
        (errno.ENAMETOOLONG, SinkMisconfigured),
    ],
)
def test_every_refusal_of_the_system_has_its_error_and_advice(opened, code, error):
    """Permissions are denied, full and broken disks unavailable, unusable names misconfigured."""
    disk = FailingDisk(5, OSError(code, os.strerror(code)))
    with pytest.raises(error) as refused:
        opened(disk).write(PATH, payload(), expected=0)
    assert refused.value.advice
    assert os.strerror(code) in refused.value.message


def test_a_folder_that_is_not_there_is_named_with_the_way_out(tmp_path, identity):
    """Nothing is made by a write into a place that nobody prepared."""
    sink = AgeSink(tmp_path / "nowhere", recipients=(kept_identity(identity),))
    attempts: tuple[Callable[[], object], ...] = (
        lambda: sink.write(PATH, payload(), expected=0),
        lambda: sink.observe(PATH),
        sink.identity,
    )
    for attempt in attempts:
        with pytest.raises(SinkMisconfigured) as refused:
            attempt()
        assert "keyrec init" in refused.value.advice
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_without_id_is_no_sink(opened, directory):
    """Another folder put in its place is noticed."""
    (directory / ".keyrec-sink").unlink()
    with pytest.raises(SinkMisconfigured) as refused:
        opened().identity()
    assert "keyrec init" in refused.value.advice
    assert [check.name for check in opened().preflight() if not check.passed] == ["age folder"]


def test_a_folder_whose_lock_somebody_keeps_is_given_up_and_nothing_is_done(
    opened, directory, monkeypatch
):
    """A process that was stopped while it wrote holds the lock: no run waits for it for ever."""
    sink = opened()
    sink.write(PATH, payload(), expected=0)
    sink.write_anchor("an anchor", expected=0)
    monkeypatch.setattr(age_folders, "LOCK_WAITS", (0.0, 0.0))
    folders = [directory / Path(PATH).parent, directory / "_keyrec"]
    holders = [os.open(folder, os.O_RDONLY) for folder in folders]
    for holder in holders:
        fcntl.flock(holder, fcntl.LOCK_EX)

    with pytest.raises(SinkUnavailable, match="another process holds its lock") as refused:
        sink.write(PATH, payload(), expected=1)
    with pytest.raises(SinkUnavailable, match="another process holds its lock"):
        sink.read_anchor()

    assert "stopped" in refused.value.advice
    assert sink.observe(PATH).version == 1
    for holder in holders:
        os.close(holder)
    assert sink.write(PATH, payload(), expected=1) == 2


def test_preparing_twice_keeps_the_first_id(opened):
    """`init` is safe to run again."""
    assert opened().prepare("00000000-0000-4000-8000-000000000000") is False
    assert opened().identity() == f"age:{ID}"


def test_a_symlinked_folder_is_refused_and_nothing_outside_is_touched(opened, directory, tmp_path):
    """A link in the tree leads nowhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (directory / "payments").symlink_to(outside)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: opened().write(PATH, payload(), expected=0),
        lambda: opened().observe(PATH),
        lambda: opened().destroy(PATH, [1]),
    )
    for attempt in attempts:
        with pytest.raises(SinkMisconfigured):
            attempt()
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("target", ["../../outside.age", "other.1.age", "billing-sync.01.age"])
def test_a_pointer_that_leads_elsewhere_is_not_followed(opened, directory, target):
    """Only a link to a version of the same path counts."""
    (directory / PATH).parent.mkdir(parents=True)
    (directory / f"{PATH}.age").symlink_to(target)
    with pytest.raises(SinkMisconfigured):
        opened().observe(PATH)
    with pytest.raises(SinkMisconfigured):
        opened().write(PATH, payload(), expected=0)
    assert (directory / f"{PATH}.age").readlink() == Path(target)


def test_a_file_in_the_pointers_place_is_not_overwritten(opened, directory):
    """Somebody put it there by hand; it may be the only copy."""
    (directory / PATH).parent.mkdir(parents=True)
    (directory / f"{PATH}.age").write_text("mine")
    with pytest.raises(SinkMisconfigured) as refused:
        opened().write(PATH, payload(), expected=0)
    assert "Move it away" in refused.value.advice
    assert (directory / f"{PATH}.age").read_text() == "mine"


@pytest.mark.parametrize("path", ["payments/x.3", "payments/x.age", "payments.age/x"])
def test_a_path_that_looks_like_another_ones_files_is_refused(opened, path):
    """`x.3` would share the file x.3.age with the third version of `x`."""
    with pytest.raises(SinkMisconfigured) as refused:
        opened().write(path, payload(), expected=0)
    assert "spec.secret.path" in refused.value.advice


def test_a_pointer_left_dangling_still_counts(opened, directory):
    """After a removal the link's text alone holds the count."""
    opened().write(PATH, payload(), expected=0)
    opened().destroy(PATH, [1])
    assert files(directory) == [".keyrec-sink", f"{PATH}.age"]
    assert opened().observe(PATH).version == 1
    assert opened().write(PATH, payload(), expected=0) == CheckAndSetRefused()


def test_custody_names_every_recipient(identity, tmp_path):
    """Who can read what is written now."""
    first, second = kept_identity(identity), kept_identity(tmp_path / "other.txt")
    sink = AgeSink(tmp_path, recipients=(first, second))
    assert sink.custody == custody_of((second, first))


@pytest.mark.parametrize("recipients", [(), ("age1nonsense",), ("ssh-dss AAAA",), ("",)])
def test_recipients_that_cannot_be_encrypted_to_are_refused_at_once(tmp_path, recipients):
    """Before any secret is drawn."""
    with pytest.raises(SinkMisconfigured) as refused:
        AgeSink(tmp_path, recipients=recipients)
    assert "ssh-ed25519" in refused.value.advice


def test_a_folder_that_everybody_may_write_fails_the_preflight(opened, directory):
    """To let a group read the encrypted files is a choice; to let everybody replace them is not."""
    directory.chmod(0o750)
    assert [check for check in opened().preflight() if not check.passed] == []
    directory.chmod(0o777)
    failed = [check for check in opened().preflight() if not check.passed]
    assert [check.name for check in failed] == ["age folder guarded"]
    assert "chmod o-w" in failed[0].advice


def test_the_preflight_of_a_missing_folder_fails_without_raising(tmp_path, identity):
    """It is for `doctor`, which lists everything."""
    sink = AgeSink(tmp_path / "nowhere", recipients=(kept_identity(identity),))
    assert [check.passed for check in sink.preflight()] == [False, False, False, True]


def test_the_age_tool_prints_exactly_the_key(opened, directory, identity):
    """`age -d -i identity .keyrec/secrets/payments/prod/billing-sync.age`."""
    opened().write(PATH, payload(), expected=0)
    command = [needs("age"), "-d", "-i", identity, directory / f"{PATH}.age"]
    assert subprocess.run(command, check=True, capture_output=True).stdout == f"{text()}\n".encode()


@pytest.mark.parametrize("options", [["-t", "ed25519"], ["-t", "rsa", "-b", "2048"]])
def test_an_ssh_key_reads_what_was_encrypted_to_it(opened, directory, tmp_path, options):
    """Consumers need no new key: the one of their SSH will do."""
    key = tmp_path / "ssh-key"
    made = [needs("ssh-keygen"), "-q", *options, "-N", "", "-C", "a comment", "-f", key]
    subprocess.run(made, check=True)
    recipient = key.with_suffix(".pub").read_text().strip()
    AgeSink(directory, recipients=(recipient,)).write(PATH, payload(), expected=0)
    command = [needs("age"), "-d", "-i", key, directory / f"{PATH}.age"]
    assert subprocess.run(command, check=True, capture_output=True).stdout == f"{text()}\n".encode()
