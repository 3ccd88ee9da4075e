"""Where keyrec runs below the repository's root, forges still find the files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ci.placing import placed, placed_commands
from tests.ci.conftest import Place


@pytest.mark.parametrize("folder", ["platform/keys", "./platform/keys/"])
def test_every_file_of_a_report_is_named_from_the_root(folder: str) -> None:
    """In SARIF, in Code Quality and in annotations; nothing else is changed."""
    place = {"artifactLocation": {"uri": "keys/a.yaml"}, "region": {"startLine": 1}}
    report = {"runs": [{"results": [{"locations": [{"physicalLocation": place}]}]}]}
    (run,) = placed(report, folder)["runs"]
    moved = run["results"][0]["locations"][0]["physicalLocation"]
    assert moved == {**place, "artifactLocation": {"uri": "platform/keys/keys/a.yaml"}}
    quality = [{"location": {"path": "keys/a.yaml"}, "description": "path"}]
    assert placed(quality, folder)[0]["location"] == {"path": "platform/keys/keys/a.yaml"}
    command = "::error title=x,file=keys/a.yaml,line=1::file=b\n"
    shown = "::error title=x,file=platform/keys/keys/a.yaml,line=1::file=b\n"
    assert placed_commands(command, folder) == shown
    assert placed_commands(command, ".") == command
    assert placed_commands("text ::error file=a::\n", folder) == "text ::error file=a::\n"


def test_keyrec_runs_in_the_folder_that_is_named(place: Place) -> None:
    """And its comment is another one than that of the root."""
    shutil.move(place.folder, place.folder.with_name("away"))
    shutil.move(place.folder.with_name("away"), place.folder / "platform")
    ran = place.github("plan", KEYREC_CI_WORKING_DIRECTORY="platform")
    assert ran.outputs["exit-code"] == "2", ran.all
    assert "::warning file=platform/keys/second.yaml,line=1,col=1,title=keyrec AK224" in ran.out
    assert "platform/keys/second.yaml" in Path(ran.outputs["sarif-file"]).read_text()
    assert json.loads(Path(ran.outputs["plan-file"]).read_text())["changes"]
    place.github("comment", KEYREC_CI_WORKING_DIRECTORY="platform")
    assert "place=platform/keyrec.yaml" in place.forge.comments[0].body
