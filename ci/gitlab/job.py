"""What a job on GitLab knows: all of it comes from its environment and is text until it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ci.keyrec_program import Keyrec


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job."""

    environ: Mapping[str, str] = field(repr=False)

    def given(self, name: str, default: str = "") -> str:
        """Give an input of the component."""
        return self.environ.get(f"KEYREC_CI_{name}", "").strip() or default

    def says(self, name: str) -> bool:
        """Whether an input is switched on."""
        return self.given(name).lower() in {"true", "1", "yes"}

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

    @property
    def folder(self) -> str:
        """Give the folder of the repository in which keyrec runs."""
        return self.given("WORKING_DIRECTORY", ".")

    @property
    def place(self) -> str:
        """Give folder and configuration, which tell the notes of one request apart."""
        return f"{self.folder}/{self.given('CONFIG', 'keyrec.yaml')}"

    @property
    def keyrec(self) -> Keyrec:
        """Give keyrec in its folder."""
        return Keyrec(
            environ=self.environ,
            folder=self.root / self.folder,
            config=self.given("CONFIG", "keyrec.yaml"),
        )

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
