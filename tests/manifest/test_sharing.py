"""Work that two processes share comes out as if one had done it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import sharing
from reconciler.manifest.aids import UNAIDED, Aids
from reconciler.manifest.alone import read_ahead
from reconciler.manifest.judging import judge_files
from reconciler.manifest.sharing import LEAST, Begun, met
from reconciler.ports import ManifestFile
from tests.manifest.manifests import STORE

KEY = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {{name: key-{number}, workspace: payments, owner: team-demo}}
spec: {{environment: dev, scopes: {{Reviews: read}}, expiration: 30d}}
"""


class Other:
    """Another process that is none: it has done so much each time when it is asked."""

    def __init__(self, pace: Sequence[int], most: int | None = None) -> None:
        """Do so many of them each time; no more than `most` in all."""
        self._pace = iter(pace)
        self._most = most
        self.done = 0
        self.is_ended = False

    def backwards(
        self, items: Sequence[Any], work: Callable[[Any], bytes | None]
    ) -> AbstractContextManager[Other]:
        """Begin."""
        self._rest = [work(item) for item in reversed(items)]
        if self._most is not None:
            del self._rest[self._most :]
        return self._running()

    @contextmanager
    def _running(self) -> Iterator[Other]:
        yield self
        self.is_ended = True

    def arrived(self) -> Iterator[bytes | None]:
        """Give what is done by now."""
        for _ in range(next(self._pace, 1)):
            if self._rest:
                self.done += 1
                yield self._rest.pop(0)


def files(count: int, **others: str) -> list[ManifestFile]:
    """Give files of a key each, and others by their names."""
    texts = {f"keys/key-{number:04}.yaml": KEY.format(number=number) for number in range(count)}
    texts |= {f"keys/{name}.yaml": text for name, text in others.items()}
    return [ManifestFile(path=path, content=texts[path].encode()) for path in sorted(texts)]


MANY = 2 * LEAST // len(KEY)


@given(
    count=st.integers(0, 40),
    size=st.sampled_from([1, 9000, 40_000]),
    pace=st.lists(st.integers(0, 50), max_size=40),
    most=st.none() | st.integers(0, 40),
)
def test_everything_is_done_once_and_in_order(
    count: int, size: int, pace: list[int], most: int | None
) -> None:
    """However fast the other one is, and wherever it ends."""
    items = list(range(count))
    other = Other(pace, most)
    with other.backwards(items, lambda item: b"%d" % item if item % 3 else None) as arrivals:
        done = met(
            items,
            lambda _: size,
            arrivals,
            here=lambda item: ("here", item),
            come=lambda item, content: ("come", item) if content in {None, b"%d" % item} else None,
        )
    assert [one and one[1] for one in done] == items
    words = [one[0] for one in done if one]
    assert words == sorted(words, reverse=True)
    assert words.count("come") <= other.done


BROKEN = {
    "a-not-yaml": "a: [",
    "key-0005-wrong": KEY.format(number=5).replace("dev", "Dev!"),
    "z-twice": KEY.format(number=7),
    "z-removal": "apiVersion: keyrec/v1\nkind: Nothing\nmetadata: {name: x}\n",
}


@pytest.mark.parametrize("broken", [{}, BROKEN])
@pytest.mark.parametrize("pace", [(), (1000,), (10_000,), (0, 0, 500)])
def test_shared_files_are_judged_as_all_are(broken: dict[str, str], pace: Sequence[int]) -> None:
    """Word for word and place for place, whoever has read them."""
    asked = files(MANY, **broken)
    other = Other(pace)
    with read_ahead(asked, Aids(sharing=other)) as aids:
        assert isinstance(aids.sharing, Begun)
        judged = judge_files(asked, STORE, aids)
    assert judged == judge_files(asked, STORE)
    assert bool(judged.problems) is bool(broken)
    assert other.is_ended
    assert other.done > 0


def test_few_files_are_not_shared() -> None:
    """Another process costs more than they do."""
    asked = files(3)
    with read_ahead(asked, Aids(sharing=Other([9]))) as aids:
        assert isinstance(aids.sharing, Other)
        judge_files(asked, STORE, aids)
    assert not aids.sharing.done


def test_where_there_is_no_other_process_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is read here."""
    asked = files(MANY)
    monkeypatch.setattr(Other, "backwards", lambda *_: None)
    with read_ahead(asked, Aids(sharing=Other([]))) as aids:
        assert judge_files(asked, STORE, aids) == judge_files(asked, STORE)


def test_other_files_than_those_that_were_begun_are_read_here() -> None:
    """What comes is of the first ones."""
    asked, others = files(MANY), files(MANY)
    with read_ahead(asked, Aids(sharing=Other([9]))) as aids:
        assert aids.sharing is not None
        assert aids.sharing.backwards(others, lambda _: None) is None
        assert judge_files(others, STORE, aids) == judge_files(others, STORE)


class Memory:
    """Remembers all."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.kept: dict[bytes, bytes] = {}

    def known(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Give what is known."""
        return {digest: self.kept[digest] for digest in digests if digest in self.kept}

    def keep(self, found: Any) -> None:
        """Keep it."""
        self.kept |= found


def test_what_another_process_has_read_is_remembered_too() -> None:
    """As if it had been read here; only what is not known is shared."""
    asked, ours, theirs = files(MANY, **BROKEN), Memory(), Memory()
    judged = judge_files(asked, STORE, Aids(memory=ours))
    other = Other([100, 100])
    assert judge_files(asked, STORE, Aids(memory=theirs, sharing=other)) == judged
    assert other.done > 0
    assert theirs.kept == ours.kept
    again = Other([100])
    assert judge_files(asked, STORE, Aids(memory=theirs, sharing=again)) == judged
    assert again.done == 0


def test_without_aids_nothing_is_asked() -> None:
    """The plainest case."""
    with read_ahead(files(MANY), UNAIDED) as aids:
        assert aids == UNAIDED
    assert sharing.LEAST == LEAST
