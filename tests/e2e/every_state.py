"""A workspace whose keys are in every state that a key can be in, and what their consumers hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reconciler.model.token import ALPHABET, compose
from tests.e2e.desk import Desk, age_desk

ELSEWHERE = "127.0.0.7"
"""Another address of this machine: that of the one allowlist."""
ALTERED = "a key with one character changed"
UNKNOWN = "a key that nobody made"
WRONG = "a key with another secret"
NONSENSE = "a text that is no key"

_WORKSPACE = """
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {name: shop}
"""
_KEY = """
    apiVersion: keyrec/v1
    kind: ApiKey
    metadata: {name: NAME, workspace: shop, owner: team-shop}
    spec:
      environment: prod
      scopes: {Reviews: read}
      expiration: 30d
"""
_REMOVAL = """
    apiVersion: keyrec/v1
    kind: KeyRemoval
    metadata: {name: removed, workspace: shop}
    spec: {reason: system-retired}
"""
_LINES = {
    "reader": "",
    "operator": "scopes: {Reviews: operate}",
    "walled": f"allowlist: [{ELSEWHERE}/32]",
    "stranger": "environment: dev",
    "inactive": "",
    "held": "",
    "expired": "",
    "retired": "rotation: {overlap: 2h}",
    "removed": "",
    "leaked": "",
    "stopped-later": "",
}
"""Every key, with the line in which it differs."""


@dataclass(frozen=True, kw_only=True)
class EveryState:
    """A desk with such a store."""

    desk: Desk
    held: dict[str, str] = field(repr=False)

    def presented(self, what: str) -> str:
        """Give what somebody presents: the secret of a key, or one of the texts above."""
        prefix, environment, version_id, rest = self.held["reader"].split("_")
        secret = rest[:43]
        other = ALPHABET[ALPHABET.index(secret[-1]) - 1]
        parts = {"prefix": prefix, "environment": environment}
        texts = {
            NONSENSE: "let-me-in",
            ALTERED: f"{prefix}_{environment}_{version_id}_{secret[:-1]}{other}{rest[43:]}",
            UNKNOWN: compose(**parts, version_id="0" * 12, secret=secret).reveal(),
            WRONG: compose(**parts, version_id=version_id, secret="W" * 43).reveal(),
        }
        return texts[what] if what in texts else self.held[what]


def every_state(folder: Path) -> EveryState:
    """Apply manifests, read the secrets, and bring every key into its state."""
    desk = age_desk(folder).begin()
    desk.write("keys/workspace.yaml", _WORKSPACE)
    for name, line in _LINES.items():
        desk.write(f"keys/{name}.yaml", _manifest(name, line))
    desk.apply()
    environments = {"stranger": "dev"}
    held = {name: desk.secret(f"shop/{environments.get(name, 'prod')}/{name}") for name in _LINES}
    desk.keyrec("hold", "shop/held", "--reason", "strange traffic")
    desk.keyrec("rotate", "shop/leaked", "--leaked")
    desk.keyrec("rotate", "shop/retired")
    desk.write("keys/inactive.yaml", _manifest("inactive", "active: false"))
    desk.write("keys/removed.yaml", _REMOVAL)
    desk.apply()
    desk.let_overlaps_pass()
    desk._move("UPDATE keys SET expires_at = rotated_at WHERE name = 'expired'")
    return EveryState(desk=desk, held=held)


def _manifest(name: str, line: str) -> str:
    """Write the manifest of a key; its own line takes the place of the one that says the same."""
    lines = _KEY.replace("NAME", name).splitlines()
    field_name = line.partition(":")[0]
    kept = [each for each in lines if not line or not each.strip().startswith(f"{field_name}:")]
    return "\n".join([*kept, f"      {line}" if line else "", ""])
