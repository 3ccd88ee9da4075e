"""One document has one byte form."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.canonical import Document, canonical_bytes, fingerprint, instant

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(codec="utf-8")))
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4),
    ),
    max_leaves=12,
)


def test_the_bytes_of_a_document_are_pinned():
    """Sorted keys, no spaces, UTF-8 without escapes: stored fingerprints depend on it."""
    document: Document = {"b": [1, None, True, 'ü\n"\\/\u2028'], "a": {"z": "", "y": -1}}

    assert canonical_bytes(document) == (
        b'{"a":{"y":-1,"z":""},"b":[1,null,true,"\xc3\xbc\\n\\"\\\\/\xe2\x80\xa8"]}'
    )
    assert fingerprint(document) == (
        "fc40556b51ad1947d37f7897ea9d95cd3f8ffdc8f9d5657ef33af4e0201fee11"
    )
    assert fingerprint({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@given(DOCUMENTS)
def test_canonical_bytes_read_back_as_the_same_document(document):
    """Nothing is lost, and writing again gives the same bytes."""
    written = canonical_bytes(document)

    assert json.loads(written) == document
    assert canonical_bytes(json.loads(written)) == written


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(), max_size=6))
def test_the_order_in_which_a_mapping_was_filled_does_not_matter(mapping):
    """Two mappings with the same entries have the same fingerprint."""
    assert fingerprint(dict(reversed(mapping.items()))) == fingerprint(mapping)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 24, 14, 50, tzinfo=timezone.utc), "2026-11-24T14:50:00.000000Z"),
        (
            datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-01-01T21:34:05.000006Z",
        ),
        (None, None),
    ],
)
def test_an_instant_is_written_in_utc_with_microseconds(moment, text):
    """The same moment has the same text in whatever zone it was given."""
    assert instant(moment) == text
