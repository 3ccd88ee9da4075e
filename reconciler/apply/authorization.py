"""Who may apply what, judged by what the store held before the plan.

A plan never helps itself: bindings, policy and workspaces that it brings count from the next apply
on. Workspace admins change their workspace's keys and networks; platform admins change everything.
Maintenance may be run by anybody who is an admin of anything.
"""

from __future__ import annotations

from reconciler.model.states import ObservedState
from reconciler.model.workspaces import Principal
from reconciler.planning.plan import Change, Plan, Refusal


def is_platform_admin(principal: Principal, observed: ObservedState) -> bool:
    """Whether the stored policy names the principal."""
    return principal in observed.policy.platform_admins


def may_change(principal: Principal, workspace: str | None, observed: ObservedState) -> bool:
    """Whether the principal may change a workspace's keys; None stands for platform-wide things."""
    if is_platform_admin(principal, observed):
        return True
    stored = None if workspace is None else observed.workspaces.get(workspace)
    return stored is not None and principal in stored.admins


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
    admins = (w.admins for w in observed.workspaces.values())
    return is_platform_admin(principal, observed) or any(principal in a for a in admins)


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
