"""Modules: short, honest about exceptions, and pure where the design says so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.repository import ROOT, committed_texts, package_modules

LONGEST_MODULE = 250
MOST_EXCLUDED_LINES = 10

CLOCK_AND_CHANCE = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "os.urandom",
    "uuid.uuid1",
    "uuid.uuid4",
}
DRAWING_MODULES = {"random", "secrets"}

NOQA = re.compile(r"# noqa(?P<codes>: [A-Z]+\d+(?:, ?[A-Z]+\d+)*)?(?P<reason>.*)$", re.MULTILINE)
IGNORE = re.compile(r"# type: ignore(?P<codes>\[[a-z, -]+\])?(?P<reason>.*)$", re.MULTILINE)

MODULES = package_modules()


def name_of(path: Path) -> str:
    """Give the path as it is shown."""
    return str(path.relative_to(ROOT))


def dotted(node: ast.expr) -> str:
    """Give `a.b` of an attribute of a name; empty for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def tree_of(path: Path) -> ast.Module:
    """Give the parsed module."""
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_at_most_250_lines_long(path: Path) -> None:
    """A module that grows past one rule is split by rule."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_only_the_system_adapter_reads_the_clock_and_draws() -> None:
    """Everywhere else time and chance are arguments."""
    guilty = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        if name_of(path) != "reconciler/adapters/system.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and (dotted(node) in CLOCK_AND_CHANCE or dotted(node).split(".")[0] in DRAWING_MODULES)
    ]
    assert guilty == []


def test_only_the_configuration_reads_the_environment() -> None:
    """One place says which variables count."""
    guilty = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        if not name_of(path).startswith("reconciler/config")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and dotted(node) in {"os.environ", "os.getenv", "os.environb", "os.putenv"}
    ]
    assert guilty == []


def test_every_waived_rule_names_itself_and_its_reason() -> None:
    """`noqa` and `type: ignore` carry a code, and a reason behind it in the package."""
    guilty = [
        f"{path}: {match[0]}"
        for path, text in committed_texts("reconciler/*.py")
        for pattern in (NOQA, IGNORE)
        for match in pattern.finditer(text)
        if not match["codes"] or len(match["reason"].strip(" #:-")) < 5
    ]
    assert guilty == []


def test_few_lines_are_left_out_of_coverage() -> None:
    """Excluded lines are capped, and each says why."""
    excluded = [
        line.partition("pragma: no cover")[2]
        for _, text in committed_texts("reconciler/*.py")
        for line in text.splitlines()
        if "pragma: no cover" in line
    ]
    assert len(excluded) <= MOST_EXCLUDED_LINES
    assert [reason for reason in excluded if len(reason.strip(" #:-")) < 5] == []
