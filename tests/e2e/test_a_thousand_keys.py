"""A repository of a thousand keys on PostgreSQL and Vault: nothing is lost, nothing is extra."""

from __future__ import annotations

import pytest

from tests.e2e.desk import Desk, principal

COUNT = 1000
PER_WORKSPACE = 200

MANIFEST = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: svc-{i:06d}-prod
  workspace: ws{w:04d}
spec:
  environment: prod
  scopes:
    Reviews: read
    Webhooks: change
  allowlist:
    - 203.0.113.{octet}/32
    - 2001:db8:{group:x}::/48
  expiration: 90d
  active: true
"""


@pytest.fixture
def thousand(server_desk: Desk) -> Desk:
    """Give a desk with a thousand declared keys."""
    desk = server_desk
    for i in range(COUNT):
        w = i // PER_WORKSPACE
        content = MANIFEST.format(i=i, w=w, octet=i % 256, group=i)
        desk.write(f"keys/ws{w:04d}/svc-{i:06d}-prod.yaml", content)
    for w in range(COUNT // PER_WORKSPACE):
        workspace = f"apiVersion: keyrec/v1\nkind: Workspace\nmetadata: {{name: ws{w:04d}}}\n"
        desk.write(
            f"keys/ws{w:04d}/workspace.yaml", workspace + f'spec: {{admins: ["{principal()}"]}}\n'
        )
    return desk


def test_a_thousand_keys_are_created_once_and_one_edit_is_one_change(thousand: Desk) -> None:
    """Validate, plan, apply into Vault, plan again: no changes; one edited file: one change."""
    desk = thousand
    assert "are valid" in desk.keyrec("validate").out
    assert f"Plan: {COUNT} to create" in desk.keyrec("plan").out

    applied = desk.apply()

    assert "failed 0, blocked 0, not attempted 0." in applied.out
    unchanged = desk.keyrec("plan", "--detailed-exitcode").out
    assert unchanged.startswith(f"No changes. {COUNT} keys match.")
    some = desk.secret("ws0002/prod/svc-000450-prod")
    assert desk.explain(some, "--ip", "203.0.113.194").startswith("Allowed")

    desk.edit("keys/ws0002/svc-000450-prod.yaml", "Reviews: read", "Reviews: operate")
    plan = desk.keyrec("plan", "--detailed-exitcode", expect=2).out
    assert "Reviews read → operate" in plan
    assert "0 to create, 1 to update, 0 to rotate" in plan
    assert plan.count("ws0002/") == 2
