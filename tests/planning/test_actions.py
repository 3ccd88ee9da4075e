"""The closed sets of planning: signs and which actions make secrets."""

from __future__ import annotations

import pytest

from reconciler.planning.actions import Action

SIGNS = {
    Action.CREATE: "+",
    Action.REISSUE: "±",
    Action.RENAME: ">",
    Action.UPDATE: "~",
    Action.ACTIVATE: "^",
    Action.DEACTIVATE: "v",
    Action.ROTATE: "@",
    Action.REMOVE: "-",
    Action.ADOPT: "&",
    Action.NO_OP: " ",
}


@pytest.mark.parametrize("action", Action)
def test_an_action_has_the_sign_that_the_documents_show(action: Action) -> None:
    """Every action has one sign, and no two have the same."""
    assert action.sign == SIGNS[action]
    assert len(set(SIGNS.values())) == len(Action)


@pytest.mark.parametrize("action", Action)
def test_only_creation_reissue_and_rotation_always_make_a_secret(action: Action) -> None:
    """A rename makes one only where its path changes."""
    makes = {Action.CREATE, Action.REISSUE, Action.ROTATE}
    assert action.makes_secret is (action in makes)
