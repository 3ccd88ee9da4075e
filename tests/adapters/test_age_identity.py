"""age identities: made once, for their owner alone, never shown."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from reconciler.adapters.age_identity import (
    is_private,
    kept_identity,
    new_identity,
    recipient_of,
)
from reconciler.errors import SinkMisconfigured
from reconciler.model.secret import Secret
from tests.services.programs import needs


def test_a_new_identity_belongs_to_its_recipient():
    """The file's text is what age-keygen writes, with the recipient as a comment."""
    secret, recipient = new_identity()
    lines = secret.reveal().splitlines()
    assert lines[0] == f"# public key: {recipient}"
    assert lines[1].startswith("AGE-SECRET-KEY-1")
    assert recipient_of(secret) == recipient
    assert "AGE-SECRET-KEY" not in repr(secret)


def test_an_identity_is_made_once_for_its_owner_alone(tmp_path):
    """`init` twice gives the same recipient; the file's mode is 0600, its folder's 0700."""
    file = tmp_path / "keyrec" / "identity.txt"
    recipient = kept_identity(file)
    assert kept_identity(file) == recipient
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [p.name for p in file.parent.iterdir()] == ["identity.txt"]


def test_age_keygen_understands_the_file(tmp_path):
    """`age-keygen -y` prints the recipient."""
    file = tmp_path / "identity.txt"
    recipient = kept_identity(file)
    command = [needs("age-keygen"), "-y", file]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == recipient


@pytest.mark.parametrize("content", ["", "not an identity", "AGE-SECRET-KEY-1CANARY", "\udcff"])
def test_a_file_that_holds_no_identity_is_refused_and_not_shown(tmp_path, content):
    """It is left alone: it may be somebody's."""
    file = tmp_path / "identity.txt"
    file.write_bytes(content.encode(errors="surrogateescape"))
    file.chmod(0o600)
    before = file.read_bytes()
    with pytest.raises(SinkMisconfigured) as refused:
        kept_identity(file)
    assert "CANARY" not in refused.value.message
    assert file.read_bytes() == before


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602])
def test_an_identity_that_is_open_to_others_is_refused(tmp_path, mode):
    """All secrets would be encrypted to it: somebody could read it, or have put it there."""
    file = tmp_path / "identity.txt"
    kept_identity(file)
    file.chmod(mode)
    with pytest.raises(SinkMisconfigured) as refused:
        kept_identity(file)
    assert "others may read or write it" in refused.value.message
    assert "chmod 600" in refused.value.advice


@pytest.mark.parametrize(
    ("owner", "mode", "expected"),
    [(7, 0o100600, True), (0, 0o100400, True), (8, 0o100600, False), (7, 0o100604, False)],
)
def test_a_private_file_is_the_users_or_roots(owner, mode, expected):
    """Another user's file is nobody's to trust, whatever its mode."""
    status = os.stat_result((mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))
    assert is_private(status, 7) is expected


def test_a_place_where_nothing_can_be_made_is_refused(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkMisconfigured):
        kept_identity(tmp_path / "file" / "identity.txt")


def test_text_without_identity_has_no_recipient():
    """A question with a plain answer."""
    assert recipient_of(Secret("# nothing here")) is None
