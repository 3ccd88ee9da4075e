"""Who can read what is encrypted now, as a short text that is stored with each version."""

import pytest

from reconciler.model.custody import custody_of, lost_recipient

ALICE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexamplealice"
BOB = "age1examplebob"


def test_the_custody_of_recipients_is_pinned():
    """Stored with every version: eight digits each, sorted."""
    assert custody_of([ALICE, BOB]) == "0d1e289c,31f70e69"
    assert custody_of([]) == ""


def test_neither_order_nor_repetition_nor_comment_makes_another_custody():
    """The comment of an SSH key says nothing about who can read."""
    assert custody_of([BOB, f"{ALICE} alice@laptop", BOB]) == custody_of([ALICE, BOB])


@pytest.mark.parametrize(
    ("old", "new", "is_lost"),
    [
        ([ALICE], [ALICE], False),
        ([ALICE], [ALICE, BOB], False),
        ([ALICE, BOB], [ALICE], True),
        ([ALICE], [BOB], True),
        ([], [ALICE], False),
        ([ALICE], [], True),
        ([], [], False),
    ],
    ids=str,
)
def test_a_recipient_is_lost_where_one_can_no_longer_read(old, new, is_lost):
    """Adding one loses nobody; removing or replacing one does."""
    assert lost_recipient(custody_of(old), custody_of(new)) is is_lost
