"""From a leak to its end: found by scan, ended by its id, and whoever presents it learns nothing."""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.system import SystemClock
from reconciler.credentials.access import decide, present
from reconciler.credentials.hashing import verify
from reconciler.credentials.verdict import Allowed, Circumstances, DenialReason, Denied, Issuer
from reconciler.model.secret import Secret
from tests.e2e.desk import Desk, principal
from tests.fakes.planted import key
from tests.fakes.typed_page import ROOT, opened_shell, steps_of

NAME = "shop/a"
PATH = "shop/prod/a"
LEAK = "planted-app.env"
MANIFESTS = {
    "keys/shop/workspace.yaml": f"""
        apiVersion: keyrec/v1
        kind: Workspace
        metadata: {{name: shop}}
        spec: {{admins: ["{principal()}"]}}
    """,
    "keys/shop/a.yaml": """
        apiVersion: keyrec/v1
        kind: ApiKey
        metadata: {name: a, workspace: shop, owner: team-a}
        spec: {environment: prod, scopes: {Reviews: read}}
    """,
}


def begin(desk: Desk) -> str:
    """Apply one key; its secret."""
    for name, content in MANIFESTS.items():
        desk.write(name, content)
    desk.apply()
    return desk.secret(PATH)


def found_in(desk: Desk, secret: str) -> str:
    """Plant a secret in a file, and give the id by which scan names it."""
    (desk.folder / LEAK).write_text(f"A=1\nKEY={secret}\n")
    said = desk.keyrec("scan", LEAK, expect=2)
    assert secret not in said.everything
    place, _, rest = said.out.partition(": error: a key: version ")
    assert place == f"{LEAK}:2:5"
    return rest.partition(",")[0]


def verdict(desk: Desk, secret: str) -> Allowed | Denied:
    """Present a secret to the real decision."""
    url = desk.absolute_url
    store = SqlStore(url, clock=SystemClock() if url.startswith("sqlite") else None)
    try:
        presented = present(Secret(secret), issuer=Issuer(), lookup=store.presented, verify=verify)
        return decide(presented, Circumstances(now=store.now()))
    finally:
        store.close()


def learns_nothing(answer: Allowed | Denied) -> bool:
    """Whether the presenter is told what one with a key that never was is told."""
    return isinstance(answer, Denied) and not answer.is_proven


def test_a_leak_is_found_ended_and_replaced(desk: Desk) -> None:
    """With the id that scan gives, and no name of a key; the sink has the new secret at once."""
    leaked = begin(desk)
    version_id = found_in(desk, leaked)
    asked = desk.keyrec("scan", LEAK, "--store", expect=2).out
    assert f"{version_id} is of {NAME}: it is accepted now.\n" in asked
    assert f"  keyrec rotate {version_id} --leaked\n" in asked

    desk.keyrec("rotate", version_id, "--leaked")

    assert learns_nothing(verdict(desk, leaked))
    assert learns_nothing(verdict(desk, key()))
    new = desk.secret(PATH)
    assert new != leaked
    assert isinstance(verdict(desk, new), Allowed)
    asked = desk.keyrec("scan", LEAK, "--store", expect=2).out
    assert f"{version_id} is of {NAME}: it has ended.\n" in asked
    assert "--leaked" not in asked
    known = ("scan", LEAK, "--except", version_id)
    assert desk.keyrec(*known).out == "No keys found; 1 file looked at.\n"


def test_a_retiring_version_is_ended_and_the_current_one_stays(local_desk: Desk) -> None:
    """Only what leaked is ended; nobody else has to read anew."""
    leaked = begin(local_desk)
    local_desk.keyrec("rotate", NAME)
    current = local_desk.secret(PATH)
    local_desk.keyrec("rotate", found_in(local_desk, leaked), "--leaked")
    assert learns_nothing(verdict(local_desk, leaked))
    assert local_desk.secret(PATH) == current
    assert isinstance(verdict(local_desk, current), Allowed)


def test_a_retired_version_becomes_a_leaked_one(local_desk: Desk) -> None:
    """It opened nothing before; now its holder is not even told that it was replaced."""
    leaked = begin(local_desk)
    local_desk.keyrec("rotate", NAME)
    local_desk.let_overlaps_pass()
    local_desk.keyrec("apply", "--maintenance")
    before = verdict(local_desk, leaked)
    assert isinstance(before, Denied)
    assert (before.reason, before.is_proven) == (DenialReason.VERSION_RETIRED, True)
    current = local_desk.secret(PATH)
    version_id = found_in(local_desk, leaked)
    for _ in range(2):
        local_desk.keyrec("rotate", version_id, "--leaked")
        assert learns_nothing(verdict(local_desk, leaked))
    assert local_desk.secret(PATH) == current


def test_a_stopped_keys_version_is_still_to_be_ended(local_desk: Desk) -> None:
    """A hold that is released lets it in again; its end does not."""
    leaked = begin(local_desk)
    version_id = found_in(local_desk, leaked)
    local_desk.keyrec("hold", NAME, "--reason", "found in a repository")
    asked = local_desk.keyrec("scan", LEAK, "--store", expect=2).out
    assert f"{version_id} is of {NAME}: its key is stopped, but it has not ended.\n" in asked
    assert f"  keyrec rotate {version_id} --leaked\n" in asked


def test_a_version_of_nobody_is_told_to_be_unknown(local_desk: Desk) -> None:
    """Another installation's, or made up: there is nothing to end, and it is said."""
    begin(local_desk)
    version_id = found_in(local_desk, key())
    asked = local_desk.keyrec("scan", LEAK, "--store", "--format", "json", expect=2)
    assert f'"standing": "unknown",\n      "version_id": "{version_id}"' in asked.out
    asked = local_desk.keyrec("scan", LEAK, "--store", expect=2)
    assert f"{version_id}: no version of this store has that id.\n" in asked.out
    refused = local_desk.keyrec("rotate", version_id, "--leaked", expect=1)
    assert version_id in refused.err


def test_no_form_shows_the_secret(local_desk: Desk) -> None:
    """Of a key that really opens something; with whose it is, too."""
    leaked = begin(local_desk)
    (local_desk.folder / f"planted-{leaked}").write_text(leaked)
    for form in ("text", "json", "sarif", "github"):
        said = local_desk.keyrec("scan", ".", "--store", "--format", form, "-vv", expect=2)
        assert leaked.split("_")[2] in said.out
        assert leaked.split("_")[3] not in said.everything


def test_the_page_works_word_for_word(tmp_path: Path) -> None:
    """Whoever types `docs/how-to/find-and-end-leaks.md` sees what stands there."""
    work = tmp_path / "work"
    work.mkdir()
    steps = list(steps_of(ROOT / "docs" / "how-to" / "find-and-end-leaks.md"))
    assert len(steps) > 5
    with opened_shell(work, tmp_path / "home", {}) as shell:
        for step in steps:
            printed, code = shell.say(step.command)
            assert code == 0, f"$ {step.command}\n{printed}"
            assert step.fits(printed), f"$ {step.command}\n{printed}"
