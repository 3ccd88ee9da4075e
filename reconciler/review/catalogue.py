"""All rules, in the order of their ids. A new rule is one function and its row here."""

from __future__ import annotations

from typing import Final

from reconciler.review import (
    rules_access,
    rules_breaking,
    rules_ending,
    rules_manifest,
    rules_origins,
    rules_policy,
    rules_shared,
    rules_sightings,
    rules_state,
    rules_usage,
)
from reconciler.review.rule import Rule
from reconciler.review.rules_refused import REFUSED
from reconciler.review.waivers import WAIVER_RULE

RULES: Final[tuple[Rule, ...]] = tuple(
    sorted(
        (
            rules_access.scope_raised,
            rules_access.allowlist_widened,
            rules_access.allowlist_removed,
            rules_access.key_reactivated,
            rules_access.reissue_lives_longer,
            rules_ending.removed_while_active,
            rules_ending.overlap_long,
            rules_ending.secret_moves,
            rules_ending.owner_changes,
            rules_policy.policy_weakened,
            rules_access.new_key_writes,
            rules_access.overlap_raised,
            rules_policy.policy_changes,
            rules_policy.bindings_change,
            rules_policy.custody_widens,
            rules_ending.held_key_replaced,
            rules_ending.safeguard_lost,
            rules_ending.stranger_written_over,
            rules_shared.network_changes,
            rules_shared.meanings_change,
            rules_manifest.never_expires,
            rules_manifest.lives_long,
            rules_manifest.writes_from_anywhere,
            rules_manifest.reads_from_anywhere,
            rules_origins.allows_everything,
            rules_origins.broad_range,
            rules_origins.private_range,
            rules_origins.contained_entry,
            rules_manifest.toxic_scopes,
            rules_manifest.all_scopes,
            rules_manifest.name_contradicts,
            rules_manifest.shared_key,
            rules_manifest.no_owner,
            rules_manifest.throw_away_name,
            rules_state.inactive_kept,
            rules_state.expired_kept,
            WAIVER_RULE,
            rules_origins.alike_keys,
            rules_state.rotation_overdue,
            rules_state.expires_soon,
            rules_state.undeclared_key,
            rules_state.drifted,
            rules_breaking.removed_in_use,
            rules_breaking.deactivated_in_use,
            rules_breaking.replaced_in_a_hurry,
            rules_breaking.excludes_callers,
            rules_usage.unused_key,
            rules_usage.replaced_in_use,
            rules_usage.new_secret_unused,
            rules_usage.scope_unexercised,
            rules_sightings.wider_than_callers,
            rules_sightings.refused_in_a_burst,
            rules_sightings.used_from_several,
            *REFUSED,
        ),
        key=lambda rule: rule.id,
    )
)
DEFAULTS: Final = {rule.id: (rule.severity, rule.gravest) for rule in RULES}
"""How grave each rule and its gravest case are where the policy says nothing."""
BY_ID: Final = {rule.id: rule for rule in RULES}


def rules_behind(code: str) -> tuple[str, ...]:
    """Give the ids of the rules that are refused under a code before a review begins."""
    return tuple(rule.id for rule in RULES if code in rule.refused_as)
