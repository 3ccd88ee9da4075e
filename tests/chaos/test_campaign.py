"""A short campaign on real servers, with every kind of trouble; and that one can fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.troubles import TROUBLES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(vault_program: Path, postgres_programs: Path) -> dict[str, str]:
    """Give the environment of a campaign, once both servers are known to be there."""
    del postgres_programs
    return {**os.environ, "KEYREC_TEST_VAULT": str(vault_program), "PYTHONPATH": str(ROOT)}


def campaign(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a campaign without a wait for a lease that really runs out."""
    command = [sys.executable, "-m", "tests.chaos", "--waits", "0", *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=900)
        finally:
            # A wish to stop, not a kill: it takes its servers with it.
            process.terminate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_no_promise_is_broken_by_kills_and_trouble_on_real_servers(
    environment: dict[str, str],
) -> None:
    """25 kills at least, every kind of trouble, and every promise asked after each of them."""
    ended = campaign(environment, "--seed", "7", "--kills", "25", "--minutes", "8")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"^violations: +0$", ended.stdout, re.MULTILINE)
    kills = re.search(r"^kills: +(\d+)$", ended.stdout, re.MULTILINE)
    assert kills is not None
    assert int(kills[1]) >= 25
    for trouble in TROUBLES:
        assert trouble.__name__.replace("_", " ") in ended.stdout


def test_a_campaign_finds_a_keyrec_that_ends_secrets_too_early(environment: dict[str, str]) -> None:
    """It names the promise, the seed and the step, and fails."""
    wanted = ("--seed", "3", "--kills", "25", "--minutes", "8", "--most-violations", "1")
    ended = campaign(environment, *wanted, "--mutant", "without-overlap")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert re.search(r"VIOLATION P2: .* \(seed 3, step \d+\)", ended.stdout)
