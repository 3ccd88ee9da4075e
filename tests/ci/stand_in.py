"""A stand-in for the renderings of a plan that this commit's keyrec has not: everything else is real.

`keyrec plan --format markdown` and `keyrec show --format markdown|sarif|github|gitlab` are made here
from the real plan.json, in the form that they have by agreement. All other calls go through to the
program under test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

KEYREC = [sys.executable, "-P", "-m", "reconciler"]
NEW_FORMS = {"markdown", "sarif", "github", "gitlab"}


def main(argv: list[str]) -> int:
    """Call the real program, or render what it cannot render yet."""
    form = argv[argv.index("--format") + 1] if "--format" in argv else "text"
    command = next(word for word in argv if word in {"plan", "show", "apply", "validate", "status"})
    if form not in NEW_FORMS or command not in {"plan", "show"}:
        return subprocess.run([*KEYREC, *argv], check=False).returncode
    if command == "show":
        sys.stdout.write(rendered(form, json.loads(Path(argv[argv.index("show") + 1]).read_text())))
        return 0
    place = argv.index("--format")
    plain = [*argv[:place], *argv[place + 2 :]]
    done = subprocess.run([*KEYREC, *plain], stdout=subprocess.DEVNULL, check=False)
    file = Path(argv[argv.index("--out") + 1])
    if file.exists():
        sys.stdout.write(rendered("markdown", json.loads(file.read_text())))
    return done.returncode


def rendered(form: str, plan: dict[str, Any]) -> str:
    """Give a plan in one of the new forms."""
    changes = [c for c in plan["changes"] if c["source"]]
    match form:
        case "markdown":
            lines = [f"| `{c['address']}` | {', '.join(c['actions'])} |" for c in plan["changes"]]
            more = "ä" * int(os.environ.get("STAND_IN_MORE", "0"))
            quick = os.environ.get("STAND_IN_QUICK", "")
            named = os.environ.get("KEYREC_ENVIRONMENTS", "").replace(",", "+") or "all"
            title = f"{len(lines)} changes" if lines else "No changes."
            parts = [
                f"<!-- keyrec:{named} -->",
                title,
                *lines,
                f"Digest: {plan['digest']}",
                quick,
                more,
            ]
            return "\n".join(parts)
        case "github":
            return "".join(
                f"::notice file={c['source']['file']},line={c['source']['line']}::{c['address']}\n"
                for c in changes
            )
        case "sarif":
            results = [
                {
                    "ruleId": "change",
                    "message": {"text": c["address"]},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": c["source"]["file"]}}}
                    ],
                }
                for c in changes
            ]
            return json.dumps({"version": "2.1.0", "runs": [{"results": results}]})
        case _:
            return json.dumps([{"location": {"path": c["source"]["file"]}} for c in changes])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
