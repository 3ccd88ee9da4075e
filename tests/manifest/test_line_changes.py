"""The smallest change of a manifest: the right line, and nothing else changed."""

from __future__ import annotations

import pytest

from reconciler.manifest.desired import read_desired
from reconciler.manifest.line_changes import line_change
from reconciler.model.line_change import LineChange, WantedField
from reconciler.model.source import SourceRef
from reconciler.model.states import DesiredState
from reconciler.ports import ManifestFile

HEAD = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: billing-sync, workspace: payments}
"""
OPERATE = WantedField(path=("spec", "scopes", "Reviews"), text="operate")
CHANGE = WantedField(path=("spec", "scopes", "Webhooks"), text="change")
ACTIVE = WantedField(path=("spec", "active"), text="true")
REISSUE = WantedField(path=("spec", "reissue"), text="2")
LET_IN = WantedField(
    path=("spec", "allowlist"),
    text="198.51.100.7",
    is_entry=True,
    beside=("203.0.113.0/24", "{network: ci}"),
)
BLOCK = HEAD + (
    "spec:\n"
    "  environment: prod\n"
    "  active: false  # for now\n"
    "  scopes:\n"
    '    Reviews: "read"\n'
    "  allowlist:\n"
    "  # the office\n"
    "  - 203.0.113.0/24\n"
)
FLOW = HEAD + "spec: {environment: prod, scopes: {}, allowlist: [203.0.113.0/24], active: false}\n"
BARE = HEAD + "spec:\n    environment: prod\n"
FLOW_LINE = FLOW.splitlines()[3]


def changed(text: str, wanted: WantedField) -> LineChange | None:
    """Find the change in a file of two documents, of which the second is meant."""
    other = "apiVersion: keyrec/v1\nkind: Workspace\nmetadata: {name: payments}\nspec: {}\n---\n"
    file = ManifestFile(path="keys.yaml", content=(other + text).encode())
    desired = read_desired([file], manager="platform")
    assert isinstance(desired, DesiredState)
    return line_change([file], desired.keys[0].source, wanted)


@pytest.mark.parametrize(
    ("text", "wanted", "line", "before", "after"),
    [
        (BLOCK, OPERATE, 13, '    Reviews: "read"', ("    Reviews: operate",)),
        (BLOCK, CHANGE, 13, None, ("    Webhooks: change",)),
        (BLOCK, ACTIVE, 11, "  active: false  # for now", ("  active: true  # for now",)),
        (BLOCK, REISSUE, 10, None, ("  reissue: 2",)),
        (BLOCK, LET_IN, 16, None, ("  - 198.51.100.7",)),
        (
            FLOW,
            CHANGE,
            9,
            FLOW_LINE,
            (FLOW_LINE.replace("scopes: {}", "scopes: {Webhooks: change}"),),
        ),
        (FLOW, ACTIVE, 9, FLOW_LINE, (FLOW_LINE.replace("false", "true"),)),
        (
            FLOW,
            LET_IN,
            9,
            FLOW_LINE,
            (FLOW_LINE.replace("[203", "[198.51.100.7, 203"),),
        ),
        (FLOW, REISSUE, 9, FLOW_LINE, (FLOW_LINE.replace("{env", "{reissue: 2, env"),)),
        (BARE, CHANGE, 10, None, ("    scopes:", "      Webhooks: change")),
        (
            BARE,
            LET_IN,
            10,
            None,
            (
                "    allowlist:",
                "      - 203.0.113.0/24",
                "      - {network: ci}",
                "      - 198.51.100.7",
            ),
        ),
        (BARE.replace("\n", "\r\n"), REISSUE, 10, None, ("    reissue: 2",)),
    ],
)
def test_the_change_is_one_line_or_lines_above_one(text, wanted, line, before, after):
    """In the style of the manifest, with its comments and indentation."""
    change = changed(text, wanted)

    assert change is not None
    assert (change.where.file, change.where.line) == ("keys.yaml", line)
    assert (change.before, change.after) == (before, after)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (HEAD + 'spec: {environment: prod, "scopes":\n  {Reviews: read}}\n', CHANGE),
        (HEAD + "spec: {environment: prod, scopes:\n  {Reviews: read}}\n", CHANGE),
        (HEAD + "spec: {environment: prod, scopes:\n  {}}\n", CHANGE),
        (HEAD + "spec: {environment: prod, scopes : {}}\n", CHANGE),
        (BARE.replace("prod\n", "prod # a\u2028# b\n"), REISSUE),
        (BARE, WantedField(path=("spec", "allowlist"), text="2001:db8::", is_entry=True)),
        (BARE, WantedField(path=("spec", "reissue"), text="[")),
    ],
    ids=[
        "quoted key",
        "value below",
        "nothing below",
        "space before the colon",
        "other line breaks",
        "no scalar",
        "no YAML",
    ],
)
def test_a_change_that_is_not_sure_to_be_right_is_not_given(text, wanted):
    """The file that it gives is read again; only the wanted field may differ."""
    assert changed(text, wanted) is None


def test_a_document_that_is_not_there_has_no_line():
    """Neither in another file nor on another line."""
    file = ManifestFile(path="a.yaml", content=BLOCK.encode())

    for place in (("b.yaml", 1), ("a.yaml", 2)):
        source = SourceRef(file=place[0], line=place[1], column=1)
        assert line_change([file], source, ACTIVE) is None


def test_a_file_that_cannot_be_read_has_no_line():
    """Problems are `validate`'s to say."""
    file = ManifestFile(path="a.yaml", content=BLOCK.encode() + b"spec: [\n")

    assert line_change([file], SourceRef(file="a.yaml", line=1, column=1), ACTIVE) is None


def test_a_field_that_holds_nothing_has_no_line():
    """There is no first part above which another one could go."""
    text = HEAD + "spec:\n  scopes:\n"
    file = ManifestFile(path="a.yaml", content=text.encode())

    assert line_change([file], SourceRef(file="a.yaml", line=1, column=1), CHANGE) is None
