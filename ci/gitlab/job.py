"""What a job on GitLab knows beyond the inputs: its merge request, its rights, and its folders."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ci.job import Job as AnyJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(AnyJob):
    """One job on GitLab."""

    def known(self, name: str) -> str:
        """Give one of GitLab's own variables."""
        return self.environ.get(f"CI_{name}", "")

    @property
    def root(self) -> Path:
        """Give the repository's folder; artifacts have to stand below it."""
        return Path(self.known("PROJECT_DIR") or ".")

    @property
    def out(self) -> Path:
        """Give the folder of what is made."""
        return self.root / ".keyrec-ci"

    def begin(self) -> None:
        """Make that folder anew: a branch may have put a link there, and we would follow it."""
        if self.out.is_symlink() or self.out.is_file():
            self.out.unlink()
        elif self.out.exists():
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True)

    @property
    def request(self) -> str:
        """Give the number of the merge request, empty where the job has none."""
        number = self.known("MERGE_REQUEST_IID")
        return number if number.isdecimal() else ""

    @property
    def head(self) -> str:
        """Give the last commit of the request's own branch, also where the job merged it."""
        return self.known("MERGE_REQUEST_SOURCE_BRANCH_SHA") or self.known("COMMIT_SHA")

    @property
    def restriction(self) -> str:
        """Say why the job has neither rights nor secrets; empty where it has them."""
        source = self.known("MERGE_REQUEST_SOURCE_PROJECT_ID")
        if self.request and source != self.known("MERGE_REQUEST_PROJECT_ID"):
            return "This merge request comes from a fork, which gets no secrets and no rights here"
        return ""
