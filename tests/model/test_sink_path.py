"""No path leaves its place: segments are checked before any adapter sees them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.sink_path import (
    LONGEST_PATH,
    is_under_workspace,
    path_fault,
    render_template,
    template_fault,
)

GRAMMAR = "segments start with a letter, a digit or _ and hold letters, digits, _, . and -"


@pytest.mark.parametrize(
    "path",
    [
        "payments/prod/billing-sync",
        "a",
        "_a/9/Z_z.z-z",
        "a..b/c",
        "payments/_keyrec/x",
        "_keyrec2/x",
        "a" * LONGEST_PATH,
    ],
    ids=lambda path: path[:30],
)
def test_a_path_of_plain_segments_is_accepted(path):
    """Letters, digits, _, . and - after the first character."""
    assert path_fault(path) is None


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("", ""),
        ("/", ""),
        ("/a", ""),
        ("a/", ""),
        ("a//b", ""),
        (".", "."),
        ("..", ".."),
        ("../a", ".."),
        ("a/../b", ".."),
        ("a/..", ".."),
        ("a/./b", "."),
        (".hidden", ".hidden"),
        ("a/...", "..."),
        ("-rf", "-rf"),
        ("a/%2e%2e/b", "%2e%2e"),
        ("a/b%2fc", "b%2fc"),
        ("a\\b", "a\\b"),
        ("a b", "a b"),
        ("a\n", "a\n"),
        ("a\0b", "a\0b"),
        ("a?version=1", "a?version=1"),
        ("a#b", "a#b"),
        ("C:/a", "C:"),
        ("~/a", "~"),
        ("$HOME/a", "$HOME"),
        ("{workspace}/a", "{workspace}"),
        ("a/\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}/b", "\N{FULLWIDTH FULL STOP}" * 2),
        ("a/caf\N{LATIN SMALL LETTER E WITH ACUTE}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(path, segment):
    """The first bad segment is named, quoted so that nothing in it acts on a terminal."""
    assert path_fault(path) == f"the segment {segment!r} is not allowed: {GRAMMAR}"


def test_keyrecs_own_paths_belong_to_no_key():
    """The audit anchor cannot be overwritten by declaring a key there."""
    assert path_fault("_keyrec/anchor") == "paths below _keyrec are keyrec's own"
    assert path_fault("_keyrec") == "paths below _keyrec are keyrec's own"


def test_a_path_that_is_too_long_is_refused():
    """One character more than the longest."""
    assert path_fault("a" * (LONGEST_PATH + 1)) == "a path holds at most 512 characters"


@given(st.one_of(st.text(), st.text(alphabet="a./\\%_-~ \n", max_size=12)))
def test_an_accepted_path_normalises_to_itself(path):
    """What is accepted holds nothing that a client library would fold or quote."""
    if path_fault(path) is None:
        assert re.fullmatch(r"[A-Za-z0-9_.\-/]+", path)
        assert not {"", ".", ".."} & set(path.split("/"))


@pytest.mark.parametrize(
    "template",
    [
        "{workspace}/{environment}/{name}",
        "{workspace}/{name}",
        "{workspace}/keys/{name}.{environment}",
    ],
)
def test_a_template_with_workspace_and_name_is_accepted(template):
    """Every key gets a path of its own below its workspace."""
    assert template_fault(template) is None


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (
            "{workspace}/{team}/{name}",
            "unknown placeholder {team}; there are workspace, environment, name",
        ),
        (
            "{workspace}/{}/{name}",
            "unknown placeholder {}; there are workspace, environment, name",
        ),
        (
            "{workspace}/{name!r}",
            "unknown placeholder {name!r}; there are workspace, environment, name",
        ),
        (
            "{workspace}/{environment}",
            "a template starts with {workspace}/ and holds {name}",
        ),
        ("keys/{workspace}/{name}", "a template starts with {workspace}/ and holds {name}"),
        ("{workspace}{name}", "a template starts with {workspace}/ and holds {name}"),
        ("", "a template starts with {workspace}/ and holds {name}"),
        (
            "{workspace}/../{name}",
            f"the segment '..' is not allowed: {GRAMMAR}",
        ),
        (
            "{workspace}/{name}/{",
            f"the segment '{{' is not allowed: {GRAMMAR}",
        ),
    ],
)
def test_a_template_that_could_mix_keys_is_refused(template, fault):
    """Each refusal says why, word for word."""
    assert template_fault(template) == fault


def test_a_template_is_filled_with_the_keys_own_names():
    """Each placeholder is replaced wherever it stands."""
    filled = render_template(
        "{workspace}/{environment}/{name}.{environment}",
        workspace="payments",
        environment="prod",
        name="billing-sync",
    )

    assert filled == "payments/prod/billing-sync.prod"


@pytest.mark.parametrize(
    ("path", "is_under"),
    [
        ("payments/x", True),
        ("payments/prod/x", True),
        ("payments", False),
        ("payments-eu/x", False),
        ("platform/payments/x", False),
    ],
)
def test_a_path_is_under_its_workspace_only_by_a_whole_segment(path, is_under):
    """A workspace whose name starts alike is another one."""
    assert is_under_workspace(path, "payments") is is_under
