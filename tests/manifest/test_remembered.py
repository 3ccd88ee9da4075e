"""What a file of keys says, written down: nothing gets lost, nothing is made up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manifest import alone as by_file
from reconciler.manifest.aids import Aids
from reconciler.manifest.assembly import Declaration
from reconciler.manifest.judging import Judgement, judge_files
from reconciler.manifest.reading import FileReading, read_file
from reconciler.manifest.remembered import read_again, written
from reconciler.ports import ManifestFile
from tests.manifest.manifests import HEAD, STORE, file
from tests.strategies import DURATIONS, NAMES, WORDS, api_keys, repositories, text_of

MANY = settings(max_examples=100, deadline=None)
PATHS = st.one_of(
    st.sampled_from(["keys/a.yaml", "a b/ü.yml", "keys/caf\udce9.yaml", '"quoted".yaml', ""]),
    st.text(max_size=20),
)

FULL = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: billing
  workspace: payments
  previousName: billing-old
  adopt: true
  owner: "team “payments”"
  description: |
    Two lines,
    the second with \\ and "
  labels: {tier: '1', system: é}
spec:
  environment: prod
  scopes: {Webhooks: change, Reviews: read}
  allowlist: [203.0.113.7, 2001:db8::/48, {network: ci-runners}]
  expiration: 90d
  active: false
  protected: true
  rotation: {generation: 3, every: 30d, overlap: 90m, retire: when-unused}
  reissue: 2
  secret: {path: payments/prod/billing, adopt: 7}
"""
SILENT = HEAD + "  scopes: {Reviews: read}\n"
POLICY = "apiVersion: keyrec/v1\nkind: Policy\nmetadata: {name: default}\nspec: {prune: remove}\n"


@st.composite
def whole_keys(draw: st.DrawFn) -> Any:
    """Draw a legal key with any of its fields."""
    key = draw(api_keys())
    more = {
        "previousName": NAMES,
        "adopt": st.booleans(),
        "description": st.lists(WORDS, min_size=1, max_size=3).map("\n".join),
    }
    rotation = {
        "generation": st.integers(1, 10**6),
        "every": st.sampled_from(["400d", "9600h"]),
        "overlap": DURATIONS,
        "retire": st.sampled_from(["after-overlap", "when-unused"]),
    }
    secret = {
        "path": st.just(f"{key['metadata']['workspace']}/a/b"),
        "adopt": st.integers(1, 999),
    }
    key["metadata"] |= draw(st.fixed_dictionaries({}, optional=more))
    key["spec"]["rotation"] = draw(st.fixed_dictionaries({}, optional=rotation))
    key["spec"]["secret"] = draw(st.fixed_dictionaries({}, optional=secret))
    return key


def alone(text: str, path: str = "keys/a.yaml") -> tuple[list[Declaration], list[Any]]:
    """Judge a file by itself: what it declares, and what is wrong with it."""
    judged = by_file._judge_file(file(text, path))
    return list(judged.declarations), list(judged.problems)


@MANY
@given(st.lists(whole_keys(), max_size=4), PATHS, PATHS)
def test_what_is_written_down_reads_again_wherever_the_file_is(
    keys: list[Any], path: str, moved: str
) -> None:
    """Every field, place and position of every key that the schema accepts."""
    declared, wrong = alone(text_of(keys), path)
    content = written(declared)
    assert wrong == []
    assert content is not None
    assert read_again(content, path) == tuple(declared)
    assert read_again(content, moved) == tuple(alone(text_of(keys), moved)[0])
    assert path not in {"keys/a.yaml", "a b/ü.yml"} or path.encode() not in content


@pytest.mark.parametrize("text", [FULL, SILENT, f"{FULL}---\n{SILENT}", "", "# nothing\n"])
def test_a_key_that_says_all_and_one_that_says_nothing_read_again(text: str) -> None:
    """The same values, of the same types."""
    declared, wrong = alone(text)
    content = written(declared)
    assert wrong == []
    assert content is not None
    assert repr(read_again(content, "keys/a.yaml")) == repr(tuple(declared))


@pytest.mark.parametrize("text", [POLICY, f"{FULL}---\n{POLICY}"])
def test_what_declares_anything_but_keys_is_not_written_down(text: str) -> None:
    """A policy, a workspace or a removal is read anew each time."""
    declared, wrong = alone(text)
    assert wrong == []
    assert written(declared) is None


@pytest.mark.parametrize(
    "text",
    [SILENT + "  every: 3\n", SILENT.replace("prod", "PROD"), SILENT.replace("ApiKey", "Key")],
)
def test_a_document_that_is_refused_is_not_written_down(text: str) -> None:
    """Its problems have to be told again."""
    declared, wrong = alone(text)
    assert wrong
    assert written(declared) is None


NOISE = st.binary(max_size=60).filter(lambda content: b"[" not in content)
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.just(10**400),
        st.floats(),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=7), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=30,
)
A_ROW: list[Any] = json.loads(written(alone(FULL)[0]) or b"")[0]


@MANY
@given(
    st.one_of(
        NOISE,
        JSON.filter(lambda value: value != []).map(lambda value: json.dumps(value).encode()),
        st.just(b"[" * 100_000),
    )
)
def test_rubbish_gives_nothing(content: bytes) -> None:
    """Whatever stands there, it is no declaration, and it raises nothing."""
    assert read_again(content, "keys/a.yaml") is None


@MANY
@given(st.integers(0, len(A_ROW) - 1), st.integers(0, 19), JSON)
def test_a_row_with_one_wrong_value_raises_nothing(at: int, field: int, value: Any) -> None:
    """It is read or it is not; a lost field or one too many is never read."""
    for row in ([*A_ROW[:at], value, *A_ROW[at + 1 :]], [*A_ROW[:5], _with(field, value)]):
        read_again(json.dumps([row]).encode(), "keys/a.yaml")
    short = [*A_ROW[:5], A_ROW[5][:field] + A_ROW[5][field + 1 :]]
    for row in (A_ROW[:at] + A_ROW[at + 1 :], [*A_ROW, value], short):
        assert read_again(json.dumps([row]).encode(), "keys/a.yaml") is None


def _with(field: int, value: Any) -> list[Any]:
    values = list(A_ROW[5])
    values[field] = value
    return values


class FakeMemory:
    """`remembered.Memory` in a dictionary, which may lose everything or hold rubbish."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}

    def known(self, digests: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return {digest: self.kept[digest] for digest in digests if digest in self.kept}

    def keep(self, found: Mapping[bytes, bytes]) -> None:
        self.kept.update(found)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the paths of the files that were parsed since, in order."""
    paths: list[str] = []

    def noted(content: ManifestFile) -> FileReading:
        paths.append(content.path)
        return read_file(content)

    monkeypatch.setattr(by_file, "read_file", noted)
    return paths


def judged(memory: FakeMemory | None, *texts: str) -> Judgement:
    """Judge files beside the store."""
    files = [file(text, f"keys/{number}.yaml") for number, text in enumerate(texts)]
    return judge_files(files, STORE, Aids(memory=memory))


KEYS = tuple(SILENT.replace("billing-sync-prod", f"key-{number}") for number in range(3))


def test_unchanged_files_are_parsed_once_for_all(read: list[str]) -> None:
    """Nothing the second time; one file where one was changed; none where one only moved."""
    memory = FakeMemory()
    judged(memory, *KEYS)
    assert read == ["keys/0.yaml", "keys/1.yaml", "keys/2.yaml"]
    read.clear()
    judged(memory, *KEYS)
    assert read == []
    judged(memory, KEYS[0], KEYS[1] + "  active: false\n", KEYS[2])
    assert read == ["keys/1.yaml"]
    read.clear()
    judged(memory, KEYS[2], KEYS[0])
    assert read == []


def test_a_file_with_a_fault_is_parsed_each_time(read: list[str]) -> None:
    """Its problems are told each time, with their lines."""
    memory = FakeMemory()
    for _ in range(2):
        found = judged(memory, KEYS[0], KEYS[1] + "  actve: false\n")
        assert [p.where.line for p in found.problems] == [9]
    assert read.count("keys/0.yaml") == 1
    assert read.count("keys/1.yaml") >= 2


def test_a_rule_across_documents_finds_its_place_in_a_remembered_file() -> None:
    """What is wrong between files is judged anew, and told at its line."""
    memory = FakeMemory()
    judged(memory, KEYS[0])
    assert judged(memory, KEYS[0], KEYS[0]).problems == judged(None, KEYS[0], KEYS[0]).problems
    assert judged(memory, KEYS[0], KEYS[0]).problems != ()


@MANY
@given(repositories(), st.lists(st.tuples(st.integers(0, 6), NOISE), max_size=3))
def test_memory_changes_nothing_but_the_time(
    documents: list[Any], rubbish: list[tuple[int, bytes]]
) -> None:
    """Empty, full or in part full of rubbish: the same judgement."""
    memory = FakeMemory()
    files = [file(text_of([one]), f"keys/{n}.yaml") for n, one in enumerate(documents)]
    fresh = judge_files(files, None)
    assert judge_files(files, None, Aids(memory=memory)) == fresh
    for at, content in rubbish:
        for digest in list(memory.kept)[at : at + 1]:
            memory.kept[digest] = content
    assert judge_files(files, None, Aids(memory=memory)) == fresh
    assert judge_files(files, None, Aids(memory=memory)) == fresh
