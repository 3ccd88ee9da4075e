"""Who may apply what, judged by what the store held before the plan.

A plan never helps itself: bindings, policy and workspaces that it brings count from the next apply
on. Workspace admins change their workspace's keys and networks; platform admins change everything.
Maintenance may be run by anybody who is an admin of anything. Who is known in another way than the
stored policy's is nobody, whatever the bindings say.
"""

from __future__ import annotations

from typing import TypeAlias

from reconciler.errors import Refused
from reconciler.model.policy import AuthorizationMode, Issuer, Policy
from reconciler.model.states import ObservedState
from reconciler.model.workspaces import Principal
from reconciler.planning.plan import Change, Plan, Refusal

Trust: TypeAlias = tuple[AuthorizationMode, tuple[Issuer, ...]]
"""By what a policy knows people."""


def known_by(policy: Policy) -> Trust:
    """Give by what a policy knows people; issuers of another mode count for nothing."""
    is_local = policy.authorization is AuthorizationMode.LOCAL
    return policy.authorization, () if is_local else policy.issuers


def require_same_trust(then: Policy, now: Policy) -> None:
    """Return where a principal that was known under one policy is known under the other.

    Raises:
        Refused: people are known in another way by now.
    """
    if known_by(then) != known_by(now):
        raise Refused(
            "the policy in the store knows people in another way since this run began",
            advice="run it again; who you are is then judged by the policy of now",
        )


def is_platform_admin(principal: Principal, observed: ObservedState) -> bool:
    """Whether the stored policy names the principal."""
    policy = observed.policy
    return principal in policy.platform_admins and policy.knows(principal)


def may_change(principal: Principal, workspace: str | None, observed: ObservedState) -> bool:
    """Whether the principal may change a workspace's keys; None stands for platform-wide things."""
    if is_platform_admin(principal, observed):
        return True
    stored = None if workspace is None else observed.workspaces.get(workspace)
    is_bound = stored is not None and principal in stored.admins
    return is_bound and observed.policy.knows(principal)


def authorization_refusals(
    principal: Principal, plan: Plan, observed: ObservedState
) -> tuple[Refusal, ...]:
    """Give one refusal per change that the principal may not make, and one for the maintenance."""
    changes = tuple(
        _change_refused(principal, change, observed)
        for change in plan.changes
        if not may_change(principal, change.workspace, observed)
    )
    if plan.maintenance and not is_admin_of_anything(principal, observed):
        return (*changes, _maintenance_refused(principal))
    return changes


def is_admin_of_anything(principal: Principal, observed: ObservedState) -> bool:
    """Whether the principal may run maintenance."""
    return may_change(principal, None, observed) or any(
        may_change(principal, workspace, observed) for workspace in observed.workspaces
    )


def _change_refused(principal: Principal, change: Change, observed: ObservedState) -> Refusal:
    if change.workspace is None:
        message = f"{principal} may not change {change.address}: only platform admins may"
    elif change.workspace not in observed.workspaces:
        message = (
            f"{principal} may not change {change.address}: the store does not hold the workspace "
            f"{change.workspace} yet, and only platform admins may bring it"
        )
    else:
        message = f"{principal} is no admin of the workspace {change.workspace} in the store"
    return Refusal(
        code="not-authorized",
        message=message,
        advice="ask an admin to apply it, or to apply the change of the bindings first",
        address=change.address,
        source=change.source,
    )


def _maintenance_refused(principal: Principal) -> Refusal:
    return Refusal(
        code="not-authorized",
        message=f"{principal} is no admin in the store and may not run maintenance",
        advice="ask a platform admin to be named in the policy or in a workspace",
    )
