"""The real keyrec, whose comments are made longer or nastier for tests of what a forge takes.

`STAND_IN_MORE` characters are added to a comment, and the line `STAND_IN_QUICK`; whatever else is
asked goes through as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys

KEYREC = [sys.executable, "-P", "-m", "reconciler"]


def main(argv: list[str]) -> int:
    """Run the program, and add to its comment what the test wants."""
    done = subprocess.run([*KEYREC, *argv], stdout=subprocess.PIPE, check=False)
    sys.stdout.buffer.write(done.stdout)
    if "markdown" in argv and done.stdout:
        more = "ä" * int(os.environ.get("STAND_IN_MORE", "0"))
        for line in filter(None, (os.environ.get("STAND_IN_QUICK", ""), more)):
            sys.stdout.write(f"{line}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
