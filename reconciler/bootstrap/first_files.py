"""The text of the files that `init` writes. Values in, text out; nothing is written here."""

from __future__ import annotations

import json
import re

from reconciler.model.policy import Policy, SinkKind

EXAMPLE_WORKSPACE = "demo"
SCHEMA_FILE = "schemas/v1/manifest.schema.json"
IGNORED = ".keyrec/"

_PLAIN = re.compile(r"(?!(?:true|false|null|[0-9]+)$)[A-Za-z0-9_./][A-Za-z0-9_./@:-]*")
_AGE_HINT = """\
# Production: store: {url: postgresql+psycopg://keyrec@db.example/keyrec}, and Vault by
# `keyrec init --sink vault`. The manifests under keys/ stay as they are.
"""


def config_text(*, manager: str, kind: SinkKind, vault_address: str | None) -> str:
    """Write the first `keyrec.yaml`."""
    lines = [
        "# How to reach things. What is trusted stands in the Policy, keys/policy.yaml.",
        "apiVersion: keyrec/v1",
        "kind: Config",
        f"manager: {manager}  # ownership mark: two repositories can share one store",
        "manifests: [keys]",
        "store: {url: sqlite:///.keyrec/keys.db}",
    ]
    if kind is SinkKind.AGE:
        lines += ["sink:", "  age: {directory: .keyrec/secrets}"]
        return "\n".join(lines) + f"\n{_AGE_HINT}"
    if vault_address is not None:
        lines += ["sink:", f"  vault: {{address: {json.dumps(vault_address)}}}"]
    return "\n".join(lines) + "\n"


def policy_text(policy: Policy) -> str:
    """Write the stored policy as a manifest; planning it against the store finds nothing to do.

    What is left out stays as the store has it: among it the id of an age folder, which belongs to
    one machine.
    """
    sink = policy.sink
    pinned: list[tuple[str, str | None]] = [("kind", sink.kind.value), ("path", sink.path)]
    if sink.kind is SinkKind.VAULT:
        pinned += [("identity", sink.identity), ("mount", sink.mount), ("prefix", sink.prefix)]
        pinned += [("address", sink.address)]
    lines = [
        "# What is trusted. Only a platform admin may apply a change of it.",
        "apiVersion: keyrec/v1",
        "kind: Policy",
        "metadata: {name: default}",
        "spec:",
        "  authorization:",
        f"    mode: {policy.authorization.value}",
        "    platformAdmins:",
        *(f"      - {_scalar(admin)}" for admin in policy.platform_admins),
        f"  prune: {policy.prune.value}  # what a disappeared manifest means",
        "  sink:",
        *(f"    {name}: {_scalar(value)}" for name, value in pinned if value is not None),
    ]
    if sink.recipients:
        lines += ["    recipients:", *(f"      - {_scalar(r)}" for r in sink.recipients)]
    return "\n".join(lines) + "\n"


def workspace_text(schema: str) -> str:
    """Write the example workspace; `schema` is the way to the schema from its folder."""
    return f"""\
# yaml-language-server: $schema={schema}
apiVersion: keyrec/v1
kind: Workspace
metadata:
  name: {EXAMPLE_WORKSPACE}
  description: A place for the first key
"""


def key_text(schema: str) -> str:
    """Write the example key."""
    return f"""\
# yaml-language-server: $schema={schema}
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: hello-dev
  workspace: {EXAMPLE_WORKSPACE}
  owner: team-demo
  description: The first key; change it and plan again
spec:
  environment: dev
  scopes:
    Reviews: read
  expiration: 30d
  rotation:
    every: 7d
    overlap: 1h
"""


def with_ignored(text: str) -> str | None:
    """Give a .gitignore with our folder in it; None where it is there already."""
    if any(line.strip().rstrip("/") in {".keyrec", "/.keyrec"} for line in text.splitlines()):
        return None
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}{IGNORED}\n"


def manager_from(folder: str) -> str:
    """Make an ownership mark from a folder's name."""
    mark = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")[:63].strip("-")
    return mark or "platform-keys"


def _scalar(text: str) -> str:
    """Write text so that YAML reads it back; JSON's quotes are YAML's."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
