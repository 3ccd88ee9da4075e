"""The console's API Keys page, row by row, done with manifests.

One key lives its whole life here through the command line alone, on SQLite with age files and on
PostgreSQL with Vault; its secret is read back by the sink's own client.
"""

from __future__ import annotations

import re

import pytest

from tests.e2e.desk import Desk, principal

KEY = "keys/console/billing-sync-prod.yaml"
NAME = "console/billing-sync-prod"
PATH = "console/prod/billing-sync-prod"

WORKSPACE = f"""
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {{name: console}}
    spec: {{admins: ["{principal()}"]}}
"""
BILLING_SYNC = """
    apiVersion: keyrec/v1
    kind: ApiKey
    metadata:
      name: billing-sync-prod
      workspace: console
      owner: team-payments
      description: Pulls invoices into the ledger
    spec:
      environment: prod
      scopes:
        Reviews: read
        Webhooks: change
      allowlist:
        - 203.0.113.0/24
        - 2001:db8:40::/48
      expiration: 90d
      active: true
      rotation:
        generation: 1
        overlap: 24h
"""
SCOPES = (
    ("Reviews", "read", "operate"),
    ("Workspaces", "read", "change"),
    ("Credentials", "read", "change"),
    ("Webhooks", "read", "change"),
    ("Repositories", "read", "change"),
    ("SecurityScans", "read", "operate"),
)
EXPIRATIONS = ("none", "1h", "1d", "7d", "30d", "90d", "180d", "360d")
GIVES_RIGHTS = ("credentials-change", "workspaces-change")
REMOVAL_REASONS = ("integration-removed", "system-retired", "created-by-mistake", "policy")


def test_every_row_of_the_page_is_walked_through(desk: Desk) -> None:  # noqa: PLR0915 - one story
    """Fields, create, edit, deactivate, activate, rotate and remove, as the page names them."""
    desk.write("keys/console/workspace.yaml", WORKSPACE)
    desk.write(KEY, BILLING_SYNC)

    # Create. The complete key goes to the vault and is shown never.
    desk.apply()
    first = desk.secret(PATH)
    assert desk.explain(first, "--ip", "203.0.113.7", "--environment", "prod").startswith("Allowed")

    # Name and Last characters identify the key without exposing the secret.
    listed = desk.keyrec("status").out
    assert NAME in listed
    assert f"…{first[-4:]}" in listed

    # Expiration: set only at creation; it cannot be edited afterward.
    desk.edit(KEY, "expiration: 90d", "expiration: 180d")
    refused = desk.keyrec("apply", "--auto-approve", expect=3)
    assert "cannot be changed" in refused.everything
    assert "spec.reissue" in refused.everything
    desk.edit(KEY, "expiration: 180d", "expiration: 90d")

    # IP allowlist: restricts use to allowed addresses or ranges.
    denied = desk.explain(first, "--ip", "198.51.100.1", expect=2)
    assert denied.startswith("Denied (address-not-allowed)")
    assert desk.explain(first, "--ip", "2001:db8:40::1").startswith("Allowed")

    # Scopes: limit which areas of the API the key can access, by the granted level.
    ip = ("--ip", "203.0.113.7")
    assert desk.explain(first, *ip, "--scope", "Webhooks:change").startswith("Allowed")
    denied = desk.explain(first, *ip, "--scope", "Reviews:operate", expect=2)
    assert denied.startswith("Denied (insufficient-scope)")

    # Edit metadata: no new secret, the same key.
    desk.edit(KEY, "owner: team-payments", "owner: team-billing")
    desk.edit(KEY, "Reviews: read", "Reviews: operate")
    plan = desk.keyrec("plan", "--detailed-exitcode", expect=2).out
    assert "Plan: 0 to create, 1 to update, 0 to rotate" in plan
    desk.apply()
    assert desk.secret(PATH) == first
    assert desk.explain(first, *ip, "--scope", "Reviews:operate").startswith("Allowed")

    # Deactivate: access is interrupted at once, the history stays.
    desk.edit(KEY, "active: true", "active: false")
    desk.apply()
    assert desk.explain(first, *ip, expect=2).startswith("Denied (key-inactive)")
    assert "key-deactivated" in desk.keyrec("history", NAME).out

    # Activate: the same secret works again.
    desk.edit(KEY, "active: false", "active: true")
    desk.apply()
    assert desk.explain(first, *ip).startswith("Allowed")

    # Rotate: a new secret for the same logical key; the old one works until its overlap ends.
    desk.edit(KEY, "generation: 1", "generation: 2")
    desk.apply()
    second = desk.secret(PATH)
    assert second != first
    assert desk.explain(second, *ip).startswith("Allowed")
    assert desk.explain(first, *ip).startswith("Allowed")
    desk.let_overlaps_pass()
    assert desk.explain(first, *ip, expect=2).startswith("Denied (version-retired)")
    swept = desk.apply("--maintenance").everything
    assert "Maintenance: applied 2" in swept
    assert desk.explain(second, *ip).startswith("Allowed")

    # Remove: permanent, for one of the page's reasons; the path is emptied.
    desk.edit(KEY, BILLING_SYNC_KIND, REMOVAL_KIND)
    desk.keyrec("validate", expect=3)
    desk.write(KEY, _removal("billing-sync-prod", "system-retired"))
    plan = desk.keyrec("plan").out
    assert "1 to remove" in plan
    desk.apply()
    assert desk.explain(second, *ip, expect=2).startswith("Denied (key-removed)")
    assert desk.reader.is_gone(PATH)
    assert "key-removed" in desk.keyrec("history", NAME).out
    assert desk.keyrec("plan").out.startswith("No changes.")

    _shows_no_secret(desk, first, second)


BILLING_SYNC_KIND = "kind: ApiKey"
REMOVAL_KIND = "kind: KeyRemoval"


def test_every_expiration_of_the_page_can_be_chosen(desk: Desk) -> None:
    """No expiration, 1 hour, 1, 7, 30, 90, 180 and 360 days, counted from creation."""
    desk.write("keys/console/workspace.yaml", WORKSPACE)
    for choice in EXPIRATIONS:
        desk.write(f"keys/console/lasts-{choice}.yaml", _key(f"lasts-{choice}", expiration=choice))

    desk.apply()

    for choice in EXPIRATIONS:
        secret = desk.secret(f"console/prod/lasts-{choice}")
        assert desk.explain(secret).startswith("Allowed")
        shown = desk.keyrec("get", f"lasts-{choice}").out
        assert ("never" if choice == "none" else "in ") in _line(shown, "expires")


def test_every_scope_and_level_of_the_page_can_be_granted(desk: Desk) -> None:
    """Each area at each of its levels; the lower level never covers the higher.

    Who may change credentials or workspaces can give rights to anybody: such a key is refused until a
    waiver for this one key is applied before it.
    """
    desk.write("keys/console/workspace.yaml", WORKSPACE)
    for resource, low, high in SCOPES:
        for level in (low, high):
            name = f"{resource}-{level}".lower()
            desk.write(f"keys/console/{name}.yaml", _key(name, scopes=f"{{{resource}: {level}}}"))

    refused = desk.apply(expect=5).everything
    assert re.findall(r"refused: console/(\S+) is new and may use", refused) == list(GIVES_RIGHTS)
    for name in GIVES_RIGHTS:
        desk.write(f"keys/console/{name}-waiver.yaml", _waiver(name))
    desk.apply("--target", "waiver/*")
    desk.apply()

    for resource, low, high in SCOPES:
        lower = desk.secret(f"console/prod/{resource}-{low}".lower())
        higher = desk.secret(f"console/prod/{resource}-{high}".lower())
        assert desk.explain(lower, "--scope", f"{resource}:{low}").startswith("Allowed")
        desk.explain(lower, "--scope", f"{resource}:{high}", expect=2)
        assert desk.explain(higher, "--scope", f"{resource}:{low}").startswith("Allowed")


@pytest.mark.parametrize("reason", REMOVAL_REASONS)
def test_a_key_is_removed_for_each_reason_of_the_page(local_desk: Desk, reason: str) -> None:
    """The integration was removed, the system is gone, a mistake, the organization's policy."""
    desk = local_desk
    desk.write("keys/console/workspace.yaml", WORKSPACE)
    desk.write("keys/console/old.yaml", _key("old"))
    desk.apply()

    desk.write("keys/console/old.yaml", _removal("old", reason))
    desk.apply()

    assert reason in desk.keyrec("history", "console/old").out


def test_only_admins_of_the_workspace_and_of_the_platform_manage_its_keys(
    local_desk: Desk,
) -> None:
    """Managing API Keys requires a Workspace admin; platform admins also have access."""
    desk = local_desk
    desk.write("keys/console/workspace.yaml", WORKSPACE)
    desk.write("keys/foreign/workspace.yaml", WORKSPACE.replace("name: console", "name: foreign"))
    desk.edit("keys/foreign/workspace.yaml", principal(), "local:carol")
    desk.edit("keys/policy.yaml", f"- {principal()}", "- local:carol")
    desk.apply()

    # Now we are admin of the workspace console alone.
    desk.write("keys/console/mine.yaml", _key("mine"))
    desk.apply()
    desk.write("keys/foreign/theirs.yaml", _key("theirs", workspace="foreign"))
    refused = desk.apply(expect=5)

    assert f"{principal()} is no admin of the workspace foreign" in refused.everything
    assert desk.explain(desk.secret("console/prod/mine")).startswith("Allowed")


def _key(
    name: str,
    *,
    workspace: str = "console",
    expiration: str = "none",
    scopes: str = "{Reviews: read}",
) -> str:
    return f"""
        apiVersion: keyrec/v1
        kind: ApiKey
        metadata: {{name: {name}, workspace: {workspace}}}
        spec: {{environment: prod, scopes: {scopes}, expiration: {expiration}}}
    """


def _waiver(name: str) -> str:
    return f"""
        apiVersion: keyrec/v1
        kind: Waiver
        metadata: {{name: {name}}}
        spec:
          rule: AK117
          key: {{workspace: console, name: {name}}}
          reason: The page offers it
          owner: team-security
          expires: "2199-01-31"
    """


def _removal(name: str, reason: str) -> str:
    return f"""
        apiVersion: keyrec/v1
        kind: KeyRemoval
        metadata: {{name: {name}, workspace: console}}
        spec: {{reason: {reason}}}
    """


def _line(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if line.split()[:1] == [word])


def _shows_no_secret(desk: Desk, *secrets: str) -> None:
    """No command of this journey printed any of its secrets, nor the secret part of one."""
    shown = "".join(desk.shown)
    for secret in secrets:
        assert secret not in shown
        assert secret.split("_")[3][:43] not in shown
