"""What `init` writes is read back as what it meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bootstrap.first_files import (
    config_text,
    key_text,
    manager_from,
    policy_text,
    with_ignored,
    workspace_text,
)
from reconciler.config import settings_from
from reconciler.manifest.assembly import Known
from reconciler.manifest.desired import read_desired
from reconciler.manifest.reading import read_file
from reconciler.model.policy import Policy, SinkKind, SinkPolicy
from reconciler.model.states import DesiredState
from reconciler.ports import ManifestFile

AGE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0ZyHAZsNI2Z0vWmQZNSNYI2oLdZfsZ5R+PbEn7DLWg a: b # c"


def read_back(text: str, known: Policy | None = None) -> DesiredState:
    """Give what a manifest declares, over a stored policy."""
    file = ManifestFile(path="a.yaml", content=text.encode())
    desired = read_desired([file], manager="m", known=Known(policy=known or Policy()))
    assert isinstance(desired, DesiredState), desired
    return desired


@pytest.mark.parametrize(
    "sink",
    [
        SinkPolicy(kind=SinkKind.AGE, identity="age:1", recipients=(AGE,)),
        SinkPolicy(
            kind=SinkKind.VAULT,
            identity="vault:6e1c8b3e-0001:secret/keyrec",
            mount="secret",
            prefix="keyrec",
            address="https://[::1]:8200",
        ),
        SinkPolicy(kind=SinkKind.VAULT, identity="vault:1", mount="true", prefix="123"),
    ],
)
@pytest.mark.parametrize("admin", ["local:alice", "local:uid:1000", "local:no"])
def test_the_policys_manifest_declares_just_what_is_stored(sink: SinkPolicy, admin: str) -> None:
    """Planning it against the store that it was written from finds nothing to do."""
    stored = Policy(platform_admins=(admin,), sink=sink)
    (declared,) = read_back(policy_text(stored), stored).resources
    assert declared.body == stored


def test_a_recipient_with_a_comment_stays_one_text() -> None:
    """YAML's colon and hash mean nothing in it."""
    text = policy_text(Policy(platform_admins=("local:a",), sink=SinkPolicy(recipients=(SSH,))))
    (document,) = read_file(ManifestFile(path="a.yaml", content=text.encode())).documents
    assert document.tree["spec"]["sink"]["recipients"] == [SSH]


def test_workspace_and_key_go_together() -> None:
    """The example is valid as it is."""
    desired = read_back(f"{workspace_text('s')}---\n{key_text('s')}")
    assert [str(key.address) for key in desired.keys] == ["demo/hello-dev"]


@pytest.mark.parametrize("kind", SinkKind)
@pytest.mark.parametrize("address", [None, "https://vault.example:8200"])
def test_the_configuration_is_read_back(kind: SinkKind, address: str | None) -> None:
    """Manager, manifests and the way to the sink."""
    text = config_text(manager="mine", kind=kind, vault_address=address)
    (document,) = read_file(ManifestFile(path="keyrec.yaml", content=text.encode())).documents
    settings = settings_from(document.tree, environ={}, root="/repo")
    assert settings.manager == "mine"
    assert settings.vault.address == (address if kind is SinkKind.VAULT else None)


@given(st.text(max_size=80))
def test_every_folders_name_gives_an_ownership_mark(folder: str) -> None:
    """Whatever people call their folders, the configuration takes the mark."""
    head = {"apiVersion": "keyrec/v1", "kind": "Config", "manager": manager_from(folder)}
    assert settings_from(head, environ={}, root="/repo").manager == head["manager"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ".keyrec/\n"),
        ("*.log\n", "*.log\n.keyrec/\n"),
        ("*.log", "*.log\n.keyrec/\n"),
        (".keyrec/\n", None),
        ("/.keyrec\n", None),
    ],
)
def test_gitignore_gets_our_folder_once(before: str, after: str | None) -> None:
    """Lines that stand are kept."""
    assert with_ignored(before) == after
