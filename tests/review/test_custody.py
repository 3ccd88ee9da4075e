"""Custody as reviewers read it: no two keys look alike, a comment says nothing, another place is
another line.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.policy import Policy, SinkKind, SinkPolicy
from reconciler.review.custody import place_of, shown

BLOB = base64.b64encode(b"\0\0\0\x07ssh-rsa" + bytes(range(200))).decode()
SINK = SinkPolicy(kind=SinkKind.VAULT, identity="vault:c", mount="secret", prefix="keys")


def test_a_comment_says_nothing() -> None:
    """Anybody can write one."""
    assert shown(f"ssh-rsa {BLOB} alice@laptop") == shown(f"ssh-rsa {BLOB}")


def test_keys_with_the_same_beginning_and_end_are_told_apart() -> None:
    """A forged key can have both."""
    middle = base64.b64encode(b"\0\0\0\x07ssh-rsa" + bytes(100) + bytes(range(100, 200))).decode()
    assert shown(f"ssh-rsa {BLOB}") != shown(f"ssh-rsa {middle}")


def test_an_age_key_is_shown_whole() -> None:
    """It is short."""
    assert shown("age1qyqszqgpqyqszqgpqyqszqgpqyqszqgp") == "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgp"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not here to compare")
def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    """People compare it with what they see elsewhere."""
    file = tmp_path / "key"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(made, check=True)
    public = file.with_suffix(".pub")
    told = subprocess.run(
        ["ssh-keygen", "-lf", str(public)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert shown(public.read_text().strip()).split()[1] in told


def test_another_address_is_another_place() -> None:
    """One that is pinned for the first time is, too: it says who takes every secret in."""
    pinned = replace(SINK, address="https://vault.example:8200")
    other = replace(SINK, address="https://evil.example")
    assert place_of(Policy(sink=SINK)) == "vault vault:c secret keys"
    assert place_of(Policy(sink=pinned)) == "vault https://vault.example:8200 vault:c secret keys"
    assert len({place_of(Policy(sink=sink)) for sink in (SINK, pinned, other)}) == 3
