"""Rules whose findings nobody can wave through: what they ask is refused before a review begins."""

from __future__ import annotations

from reconciler.model.severity import Severity
from reconciler.review.rule import Rule

REFUSED: tuple[Rule, ...] = (
    Rule(
        id="AK105",
        title="An expiration is edited",
        severity=Severity.CRITICAL,
        why="Expiration is set only when the key is created and cannot be edited afterward.",
        mend="Write the old one again, declare a new key, or raise `spec.reissue`.",
        check=None,
        refused_as=("expiration-immutable",),
    ),
    Rule(
        id="AK107",
        title="A key disappears and an equal one comes",
        severity=Severity.CRITICAL,
        why="That is a rename without its mark: id and history would be lost.",
        mend="Write `metadata.previousName` in the new manifest.",
        check=None,
        refused_as=("suspected-rename",),
    ),
    Rule(
        id="AK114",
        title="A plan ends many keys",
        severity=Severity.CRITICAL,
        why="More than the policy lets pass is more often a mistake than a wish.",
        mend="State the exact count: `--allow-removals N`.",
        check=None,
        refused_as=("too-many-removals", "removal-count"),
    ),
    Rule(
        id="AK208",
        title="A malformed allowlist entry",
        severity=Severity.CRITICAL,
        why="Programs read host bits, netmasks and leading zeros in different ways.",
        mend="Write an address, or an address and a prefix length.",
        check=None,
        refused_as=("bad-range",),
    ),
    Rule(
        id="AK209",
        title="IPv4 in the disguise of IPv6",
        severity=Severity.CRITICAL,
        why="A mapped, NAT64, 6to4 or Teredo address is another one to every program.",
        mend="Write the IPv4 address.",
        check=None,
        refused_as=("bad-range",),
    ),
    Rule(
        id="AK211",
        title="An empty allowlist",
        severity=Severity.CRITICAL,
        why="Nobody knows whether it means nobody or everybody.",
        mend="Name an address, or leave the field out.",
        check=None,
        refused_as=("empty-allowlist",),
    ),
    Rule(
        id="AK226",
        title="Two keys in one place, or outside of their own",
        severity=Severity.CRITICAL,
        why="One would overwrite the other's secret, or another team could read it.",
        mend="Give each key a path below its workspace.",
        check=None,
        refused_as=("path-shared", "path-outside-workspace", "path-taken"),
    ),
    Rule(
        id="AK227",
        title="A secret in a manifest",
        severity=Severity.CRITICAL,
        why="What is in git is known to everybody who ever reads it.",
        mend="Take it out, and rotate what it opens: it has leaked.",
        check=None,
        practice="Store it in a secure vault, never in source code.",
        refused_as=("secret-like",),
    ),
    Rule(
        id="AK228",
        title="YAML that means something else",
        severity=Severity.CRITICAL,
        why="Duplicate keys, anchors, merge keys and tags say one thing to people and another to "
        "programs.",
        mend="Write it out.",
        check=None,
        refused_as=("duplicate-key", "anchor", "alias", "merge-key", "tag"),
    ),
)
