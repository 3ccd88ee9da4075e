"""Where a problem stands, and the line that is shown with it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.reading import read_file
from reconciler.manifest.snippets import line_of, position
from reconciler.ports import ManifestFile

TEXTS = st.text(st.sampled_from("ab :\t\n\r\x85\u2028\u2029"))


@given(TEXTS)
def test_lines_are_those_that_yaml_counts(text: str) -> None:
    """Whatever breaks them; there is always a last one, and none beside them."""
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    shown = [line_of(text, number) for number in range(len(lines) + 2)]
    assert shown == ["", *(line.rstrip().replace("\t", " ") for line in lines), ""]


@given(TEXTS, TEXTS)
def test_a_position_is_counted_from_the_last_break(before: str, after: str) -> None:
    """From 1, both of them."""
    text = f"{before}x{after}"
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", before)
    assert position(text, len(before)) == (len(lines), len(lines[-1]) + 1)


def test_a_file_with_a_problem_in_every_line_is_judged_in_one_pass() -> None:
    """Going through the whole file for every problem would take minutes here, hours at 1 MiB."""
    count = 50_000
    reading = read_file(ManifestFile(path="a.yaml", content=b"- *a\n" * count))
    assert len(reading.problems) == count
    assert reading.problems[-1].where.line == count
    assert reading.problems[-1].snippet == "- *a"
