"""Spellings that users bring from Terraform become ours before anything is parsed.

Only whole words of a closed list, only up to `--`. Everything else is left to click.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_SPELLINGS = {
    "-allow-removals": "--allow-removals",
    "-auto-approve": "--auto-approve",
    "-chdir": "--chdir",
    "-config": "--config",
    "-detailed-exitcode": "--detailed-exitcode",
    "-exclude": "--exclude",
    "-expect-digest": "--expect-digest",
    "-format": "--format",
    "-help": "--help",
    "-json": "--format=json",
    "--json": "--format=json",
    "-lock-timeout": "--lock-timeout",
    "-maintenance": "--maintenance",
    "-no-color": "--no-color",
    "-out": "--out",
    "-parallelism": "--parallelism",
    "-quiet": "--quiet",
    "-revision": "--revision",
    "-target": "--target",
    "-verbose": "--verbose",
    "-version": "--version",
}


def rewritten(argv: Sequence[str]) -> list[str]:
    """Give the arguments in our own spelling."""
    return list(_rewritten(argv))


def _rewritten(argv: Sequence[str]) -> Iterator[str]:
    words = iter(argv)
    for word in words:
        if word == "--":
            yield word
            yield from words
            return
        name, equals, value = word.partition("=")
        yield f"{_SPELLINGS.get(name, name)}{equals}{value}"
