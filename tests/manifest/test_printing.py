"""Manifests printed from what a store holds: canonical order, nothing that silence says, safe text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml

from reconciler.manifest.printing import body_tree, key_tree
from reconciler.manifest.yaml_text import yaml_text
from reconciler.model.keys import KeyAddress, KeyFields, Rotation
from reconciler.model.lifetime import Expiration, Retirement
from reconciler.model.policy import (
    DEFAULT_TEMPLATE,
    Guards,
    HashProfile,
    Policy,
    Prune,
    ReviewPolicy,
    SinkKind,
    SinkPolicy,
)
from reconciler.model.resources import Body
from reconciler.model.scopes import ScopeCatalog, ScopeGrant
from reconciler.model.severity import Severity
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults
from tests.manifest.manifests import STORE, desired

ADDRESS = KeyAddress(workspace="payments", name="billing-sync-prod")
PATH = "payments/prod/billing-sync-prod"
BARE = KeyFields(environment="prod", sink_path=PATH)
FULL = KeyFields(
    environment="prod",
    sink_path="payments/prod/billing-sync",
    scopes=(
        ScopeGrant(resource="Reviews", level="read"),
        ScopeGrant(resource="Webhooks", level="change"),
    ),
    allowlist=("2001:db8:40::/48", "203.0.113.0/24", "network:ci-runners"),
    ranges=("198.51.100.0/24", "203.0.113.0/24", "2001:db8:40::/48"),
    expiration=Expiration.QUARTER,
    active=False,
    protected=True,
    rotation=Rotation(
        generation=3,
        every=timedelta(days=30),
        overlap=timedelta(hours=36),
        retire=Retirement.WHEN_UNUSED,
    ),
    reissue=2,
    owner="team-payments",
    description="Pulls invoices into the ledger",
    labels=(("cost-center", "1234"), ("system", "billing-sync")),
)
DEFAULTS = WorkspaceDefaults(
    owner="team-payments",
    expiration=Expiration.QUARTER,
    allowlist=("network:ci-runners",),
    rotate_every=timedelta(days=30),
    overlap=timedelta(hours=1),
)


def printed(fields: KeyFields, *, workspace: Workspace | None = None, adopts: bool = False) -> str:
    """Print a key of the workspace payments."""
    return yaml_text(
        key_tree(ADDRESS, fields, workspace=workspace, template=DEFAULT_TEMPLATE, adopts=adopts)
    )


def test_a_full_key_is_printed_in_the_schemas_order() -> None:
    """As a person would write it."""
    assert (
        printed(FULL, adopts=True)
        == """\
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: billing-sync-prod
  workspace: payments
  adopt: true
  owner: team-payments
  description: Pulls invoices into the ledger
  labels:
    cost-center: "1234"
    system: billing-sync
spec:
  environment: prod
  scopes:
    Reviews: read
    Webhooks: change
  allowlist:
    - 2001:db8:40::/48
    - 203.0.113.0/24
    - network: ci-runners
  expiration: 90d
  active: false
  protected: true
  rotation:
    generation: 3
    every: 30d
    overlap: 36h
    retire: when-unused
  reissue: 2
  secret:
    path: payments/prod/billing-sync
"""
    )


def test_a_bare_key_is_printed_without_anything_that_silence_says() -> None:
    """Its path is the template's, everything else the default."""
    assert (
        printed(BARE)
        == """\
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: billing-sync-prod
  workspace: payments
spec:
  environment: prod
"""
    )


def test_what_the_workspace_says_is_not_said_again_and_what_it_would_say_is_contradicted() -> None:
    """Its defaults are what silence means."""
    like_it = KeyFields(
        environment="prod",
        sink_path=PATH,
        owner=DEFAULTS.owner,
        expiration=Expiration.QUARTER,
        allowlist=DEFAULTS.allowlist,
        rotation=Rotation(every=DEFAULTS.rotate_every, overlap=timedelta(hours=1)),
    )
    workspace = Workspace(name="payments", defaults=DEFAULTS)
    assert printed(like_it, workspace=workspace) == printed(BARE)
    other = KeyFields(environment="prod", sink_path=PATH, owner="x")
    spec = yaml.safe_load(printed(other, workspace=workspace))["spec"]
    assert spec == {"environment": "prod", "expiration": "none", "rotation": {"overlap": "1d"}}


@pytest.mark.parametrize("fields", [FULL, BARE], ids=["full", "bare"])
def test_what_is_printed_is_read_back_as_it_was(fields: KeyFields) -> None:
    """With the mark and without."""
    for adopts in (True, False):
        [spec] = desired(printed(fields, adopts=adopts), known=STORE).keys
        assert (spec.address, spec.fields) == (ADDRESS, fields)
        assert spec.adopts_record is adopts


BODIES: dict[str, tuple[Body, str]] = {
    "a workspace": (
        Workspace(
            name="payments",
            description="Everything about money: all of it",
            admins=("local:alice", "local:bob"),
            defaults=DEFAULTS,
        ),
        """\
apiVersion: keyrec/v1
kind: Workspace
metadata:
  name: payments
  description: "Everything about money: all of it"
spec:
  admins:
    - local:alice
    - local:bob
  defaults:
    owner: team-payments
    expiration: 90d
    allowlist:
      - network: ci-runners
    rotation:
      every: 30d
      overlap: 1h
""",
    ),
    "a workspace of which nothing is said": (
        Workspace(name="search"),
        "apiVersion: keyrec/v1\nkind: Workspace\nmetadata:\n  name: search\n",
    ),
    "a network": (
        NetworkSet(name="office", workspace="search", ranges=("192.0.2.0/24", "2001:db8::/32")),
        """\
apiVersion: keyrec/v1
kind: NetworkSet
metadata:
  name: office
  workspace: search
spec:
  ranges:
    - 192.0.2.0/24
    - 2001:db8::/32
""",
    ),
    "a catalogue": (
        ScopeCatalog.of({"Invoices": ("read", "change"), "No": ("on",)}),
        """\
apiVersion: keyrec/v1
kind: ScopeCatalog
metadata:
  name: default
spec:
  resources:
    Invoices:
      - read
      - change
    "No":
      - "on"
""",
    ),
    "a policy": (
        Policy(
            platform_admins=("local:alice",),
            prune=Prune.IGNORE,
            guards=Guards(max_removals=0, max_removal_share=0.125),
            expirations=(Expiration.MONTH, Expiration.QUARTER),
            review=ReviewPolicy(fail_on=Severity.HIGH),
            hashing=HashProfile.OWASP,
            sink=SinkPolicy(
                kind=SinkKind.VAULT,
                path="{workspace}/{name}",
                identity="vault:1",
                mount="secret",
                prefix="keys",
                address="https://vault.example:8200",
            ),
        ),
        """\
apiVersion: keyrec/v1
kind: Policy
metadata:
  name: default
spec:
  authorization:
    platformAdmins:
      - local:alice
  prune: ignore
  guards:
    maxRemovals: 0
    maxRemovalShare: "0.125"
  expirations:
    - 30d
    - 90d
  review:
    failOn: high
  hashing: owasp
  sink:
    kind: vault
    path: "{workspace}/{name}"
    identity: vault:1
    mount: secret
    prefix: keys
    address: https://vault.example:8200
""",
    ),
    "a policy of which little is said": (
        Policy(
            sink=SinkPolicy(identity="age:of-one-machine", recipients=("ssh-ed25519 " + "A" * 40,))
        ),
        f"""\
apiVersion: keyrec/v1
kind: Policy
metadata:
  name: default
spec:
  sink:
    kind: age
    path: "{DEFAULT_TEMPLATE}"
    recipients:
      - ssh-ed25519 {"A" * 40}
""",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_declared_beside_keys_is_printed_and_read_back(name: str) -> None:
    """One document each; what a policy leaves to the store comes back from it."""
    body, text = BODIES[name]
    assert yaml_text(body_tree(body)) == text
    known = replace(STORE, policy=body) if isinstance(body, Policy) else STORE
    [declared] = desired(text, known=known).resources
    assert declared.body == body


@pytest.mark.parametrize("share", [0.0, 0.2, 0.25, 0.000001, 1.0])
def test_every_share_is_read_back(share: float) -> None:
    """Up to the six places that a manifest has."""
    body = Policy(guards=Guards(max_removal_share=share))
    [declared] = desired(yaml_text(body_tree(body))).resources
    assert isinstance(declared.body, Policy)
    assert declared.body.guards.max_removal_share == share


QUOTED = (
    *("no", "No", "yes", "on", "OFF", "y", "N", "true", "False", "null", "NULL", "~"),
    *("1", "010", "1e3", "0x1F", "0o17", "1_000", "-1", "+1", ".5", "1.5", ".inf", ".NaN"),
    *("22:22:22", "1:30", "2027-01-15", "2001-12-14t21:59:43Z", "=", "<<", "-", "- a", "? b"),
    *("a: b", "a:", "a #b", "#a", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "{a}", "[a]"),
    *(
        "---",
        "...",
        "--- a",
        "'",
        '"',
        "\\",
        "a'b",
        'a"b',
        "a\\b",
        "two\nlines",
        "a\tb",
        " a",
        "a ",
    ),
    *("é", "für", "日本", "😀", "a  b", "", "12:30:45/8x"),
)
PLAIN = (
    *("a", "Pulls invoices into the ledger", "team-payments", "local:alice", "payments/prod/x"),
    *("30d", "1h", "203.0.113.0/24", "2001:db8::/32", "a, b (c)", "v1.2.3", "a/b@c+d"),
)


@pytest.mark.parametrize("text", QUOTED)
def test_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    """Ours keeps it as text, but not everybody's does."""
    assert yaml_text({"a": text, "b": [text]}).count('"') >= 4
    assert yaml.safe_load(yaml_text({"a": text, text: "b"})) == {"a": text, text: "b"}


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_stand_as_they_are(text: str) -> None:
    """People read them, and diffs stay short."""
    assert yaml_text({"a": text}) == f"a: {text}\n"
    assert yaml.safe_load(yaml_text({"a": text})) == {"a": text}


@pytest.mark.parametrize(
    "tree",
    [
        {"a": [{"b": 1, "c": ["d"]}, {"e": {"f": False}}]},
        {"a": {"b": {"c": {"d": "no"}}}, "e": 2},
    ],
)
def test_whatever_is_nested_is_read_back(tree: dict[str, Any]) -> None:
    """By our reader's kind of YAML and by PyYAML's."""
    assert yaml.safe_load(yaml_text(tree)) == tree
