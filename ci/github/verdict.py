"""The last step of a plan: ends the job as keyrec ended, when everything has been reported."""

from __future__ import annotations

import os
import sys

from ci.github.job import Job
from ci.github.log import remark
from ci.keyrec_program import Ended

_WORDS: dict[int, str] = {
    Ended.ERROR: "keyrec ended with an error (1); the step that plans shows it.",
    Ended.CHANGES: "The plan has changes (2), and the input fail-on-changes forbids them.",
    Ended.INVALID: "The manifests or the configuration are invalid (3).",
    Ended.REFUSED: "The plan is refused (5), by a guard or by its findings.",
}


def main() -> int:
    """Give the exit code of the job."""
    job = Job.read(os.environ)
    if job.given("COMMAND") not in {"plan", "apply"}:
        remark("error", "The input command is plan or apply.")
        return Ended.INVALID
    text = job.given("CODE")
    code = int(text) if text.isdecimal() else int(Ended.ERROR)
    if code == Ended.DONE or (code == Ended.CHANGES and not job.says("FAIL_ON_CHANGES")):
        return 0
    remark("error", _WORDS.get(code, f"keyrec ended with {code}."))
    return code


if __name__ == "__main__":
    sys.exit(main())
