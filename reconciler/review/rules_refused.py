"""Rules whose findings nobody can wave through: what they ask is refused before a review begins."""

from __future__ import annotations

from reconciler.model.severity import Severity
from reconciler.review.rule import Rule


def _refused(
    *,
    id: str,  # noqa: A002 - the rule's own word
    title: str,
    why: str,
    mend: str,
    refused_as: tuple[str, ...],
    practice: str | None = None,
) -> Rule:
    return Rule(
        id=id,
        title=title,
        severity=Severity.CRITICAL,
        why=why,
        mend=mend,
        practice=practice,
        refused_as=refused_as,
    )


REFUSED: tuple[Rule, ...] = (
    _refused(
        id="AK105",
        title="An expiration is edited",
        why="Expiration is set only when the key is created and cannot be edited afterward.",
        mend="Write the old one again, declare a new key, or raise `spec.reissue`.",
        refused_as=("expiration-immutable",),
    ),
    _refused(
        id="AK107",
        title="A key disappears and an equal one comes",
        why="That is a rename without its mark: id and history would be lost.",
        mend="Write `metadata.previousName` in the new manifest.",
        refused_as=("suspected-rename",),
    ),
    _refused(
        id="AK114",
        title="A plan ends many keys",
        why="More than the policy lets pass is more often a mistake than a wish.",
        mend="State the exact count: `--allow-removals N`.",
        refused_as=("too-many-removals", "removal-count"),
    ),
    _refused(
        id="AK208",
        title="A malformed allowlist entry",
        why="Programs read host bits, netmasks and leading zeros in different ways.",
        mend="Write an address, or an address and a prefix length.",
        refused_as=("bad-range",),
    ),
    _refused(
        id="AK209",
        title="IPv4 in the disguise of IPv6",
        why="A mapped, NAT64, 6to4 or Teredo address is another one to every program.",
        mend="Write the IPv4 address.",
        refused_as=("bad-range",),
    ),
    _refused(
        id="AK211",
        title="An empty allowlist",
        why="Nobody knows whether it means nobody or everybody.",
        mend="Name an address, or leave the field out.",
        refused_as=("empty-allowlist",),
    ),
    _refused(
        id="AK226",
        title="Two keys in one place, or outside of their own",
        why="One would overwrite the other's secret, or another team could read it.",
        mend="Give each key a path below its workspace.",
        refused_as=("path-shared", "path-outside-workspace", "path-taken"),
    ),
    _refused(
        id="AK227",
        title="A secret in a manifest",
        why="What is in git is known to everybody who ever reads it.",
        mend="Take it out, and rotate what it opens: it has leaked.",
        practice="Store it in a secure vault, never in source code.",
        refused_as=("secret-like",),
    ),
    _refused(
        id="AK228",
        title="YAML that means something else",
        why="Duplicate keys, anchors, merge keys and tags say one thing to people and another to "
        "programs.",
        mend="Write it out.",
        refused_as=("duplicate-key", "anchor", "alias", "merge-key", "tag"),
    ),
)
