"""Knows every secret that is minted during a whole test run, and looks for all of them.

A pytest plugin. In this process `mint` is watched; in processes that tests start the desk puts
`child/` on the path. What each test printed and logged is swept when the test has ended, everything
that tests left on disk when the session ends. A find fails the run: it is told with its channel and
place, never with the secret.

HTTP answers, metrics and the log of `keyrec serve` are swept by tests/e2e/test_no_secret_leaks.py.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.apply import steps
from reconciler.credentials import minting
from tests.leaks.finder import Finder, may_hold_one

CHILD = Path(__file__).parent / "child"
VARIABLE = "KEYREC_TEST_WITNESS"
LARGEST = 64 * 2**20
"""Bytes of one file; larger ones are not of keyrec's making."""
CONSUMERS_COPIES = (
    "seen-in-a-chat.txt",  # the drill that breaks the glass begins with a leak
    "planted-*",  # tests of this very sweep
)
"""Files that hold a secret on purpose: the reasons stand beside them."""


class Witness:
    """The secrets of one session, and what was found of them."""

    def __init__(self, folder: Path) -> None:
        """Keep the secrets of children in a folder of its own, which is never swept."""
        self.folder = folder
        self.file = folder / "minted"
        self.file.touch(mode=0o600)
        self.found: list[str] = []
        self.swept = 0
        """Bytes."""
        self.known_elsewhere = 0
        """Secrets that other processes of the run knew."""
        self._minted: set[str] = set()
        self._process = os.getpid()

    @property
    def secrets(self) -> set[str]:
        """Give everything that was minted so far, here and in children."""
        return self._minted | set(self.file.read_text(encoding="ascii").split())

    def watch(self) -> None:
        """Stand beside `mint`."""
        mint = minting.mint

        def telling(*arguments: Any, **named: Any) -> minting.Minted:
            minted = mint(*arguments, **named)
            self._learn(minted.api_key.reveal())
            return minted

        minting.mint = telling
        steps.mint = telling  # type: ignore[attr-defined]  # it was imported by name

    def _learn(self, secret: str) -> None:
        """Remember a secret; a forked child's memory ends with it, so it writes to the file."""
        if os.getpid() == self._process:
            self._minted.add(secret)
            return
        with self.file.open("a", encoding="ascii") as file:
            file.write(f"{secret}\n")

    def sweep(self, channel: str, place: str, content: bytes) -> None:
        """Look for all secrets in one content."""
        self.swept += len(content)
        if not may_hold_one(content):
            return
        dress = Finder(self.secrets).dress_in(content)
        if dress is not None:
            self.found.append(f"{channel}: {place} ({dress})")

    def sweep_files(self, folder: Path) -> None:
        """Look into every file below a folder, and at its name."""
        finder = Finder(self.secrets)
        for path in _files(folder):
            content = os.fsencode(path.relative_to(folder)) + b"\n" + path.read_bytes()
            self.swept += len(content)
            dress = finder.dress_in(content)
            if dress is not None:
                self.found.append(f"files: {finder.hidden(path.relative_to(folder))} ({dress})")


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        is_meant = any(path.match(pattern) for pattern in CONSUMERS_COPIES)
        is_file = path.is_file() and not path.is_symlink() and not is_meant
        if is_file and os.access(path, os.R_OK) and path.stat().st_size <= LARGEST:
            yield path


WITNESS = pytest.StashKey[Witness]()
OUTPUT = "keyrec_leaks"


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch, in every process that runs tests."""
    witness = Witness(Path(tempfile.mkdtemp(prefix="keyrec-witness-")))
    os.environ[VARIABLE] = str(witness.file)
    witness.watch()
    config.stash[WITNESS] = witness


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Sweep what a test printed and logged; a find fails the test."""
    report = yield
    witness = item.config.stash[WITNESS]
    if call.when == "teardown" and report.sections:
        before = len(witness.found)
        for title, text in report.sections:
            witness.sweep(title, item.nodeid, text.encode())
        if len(witness.found) > before:
            report.outcome = "failed"
            report.longrepr = "a secret was shown: " + "; ".join(witness.found[before:])
            report.sections = []
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sweep what the tests of this process left on disk; a find fails the run."""
    config = session.config
    witness = config.stash[WITNESS]
    base = config._tmp_path_factory._basetemp  # type: ignore[attr-defined]  # where tests leave files
    if base is not None and witness.secrets:
        witness.sweep_files(base)
    if hasattr(config, "workeroutput"):
        config.workeroutput[OUTPUT] = (witness.found, len(witness.secrets), witness.swept)
    elif witness.found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker has found."""
    found, known, swept = getattr(node, "workeroutput", {}).get(OUTPUT, ([], 0, 0))
    witness = node.config.stash[WITNESS]
    witness.found += found
    witness.known_elsewhere += known
    witness.swept += swept


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was swept, and what was found."""
    witness = config.stash[WITNESS]
    known = len(witness.secrets) + witness.known_elsewhere
    terminalreporter.write_line(
        f"swept {witness.swept / 2**20:.0f} MiB for {known} secrets: {len(witness.found)} found"
    )
    for line in witness.found:
        terminalreporter.write_line(f"A SECRET WAS LEFT IN {line}", red=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Forget the secrets."""
    witness = config.stash.get(WITNESS, None)
    if witness is not None:
        shutil.rmtree(witness.folder, ignore_errors=True)


@pytest.fixture
def witness(request: pytest.FixtureRequest) -> Witness:
    """Give the session's witness."""
    return request.config.stash[WITNESS]
