"""Places in a sink, owned by one key each.

A path is relative to the sink's mount and prefix. Its segments are checked here, before any
adapter sees them: no dot segment, nothing that a client library would fold or quote.
"""

from __future__ import annotations

import re

SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
RESERVED_PREFIX = "_keyrec"
"""First segment of keyrec's own paths (the audit anchor); no key may use it."""
LONGEST_PATH = 512
PLACEHOLDERS = ("workspace", "environment", "name")


def path_fault(path: str) -> str | None:
    """Say in one sentence why a text is no path; None where it is one."""
    segments = path.split("/")
    bad = next((s for s in segments if SEGMENT.fullmatch(s) is None), None)
    if bad is not None:
        return (
            f"the segment {bad!r} is not allowed: segments start with a letter, a digit or _ "
            "and hold letters, digits, _, . and -"
        )
    if segments[0] == RESERVED_PREFIX:
        return f"paths below {RESERVED_PREFIX} are keyrec's own"
    if len(path) > LONGEST_PATH:
        return f"a path holds at most {LONGEST_PATH} characters"
    return None


def template_fault(template: str) -> str | None:
    """Say why a path template cannot be used; every key must get a path of its own."""
    unknown = set(re.findall(r"\{([^{}]*)\}", template)) - set(PLACEHOLDERS)
    if unknown:
        return f"unknown placeholder {{{min(unknown)}}}; there are {', '.join(PLACEHOLDERS)}"
    if "{name}" not in template or not template.startswith("{workspace}/"):
        return "a template starts with {workspace}/ and holds {name}"
    return path_fault(render_template(template, workspace="w", environment="e", name="n"))


def render_template(template: str, *, workspace: str, environment: str, name: str) -> str:
    """Fill the template of the policy for one key."""
    filled = template.replace("{workspace}", workspace).replace("{environment}", environment)
    return filled.replace("{name}", name)


def is_under_workspace(path: str, workspace: str) -> bool:
    """Whether a declared path stays below its workspace's own prefix."""
    return path.startswith(f"{workspace}/")
