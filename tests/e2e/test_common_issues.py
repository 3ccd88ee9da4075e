"""The console's table of common issues, row by row: the trouble is made, explained and mended.

Every test makes the trouble for real on SQLite and age files, asks `keyrec explain`, does to the
letter what it says on top, and sees that the trouble is gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.system import SystemClock
from reconciler.model.uses import UseKind, UseMark, UseReport
from tests.e2e.desk import principal
from tests.fakes.command_line import CommandLine

KEY = "keys/shop/ledger-prod.yaml"
NAME = "shop/ledger-prod"
PATH = "shop/prod/ledger-prod"
STORE = ".keyrec/keys.db"
INSIDE = ("--ip", "203.0.113.7")
WORKSPACE = f"""\
apiVersion: keyrec/v1
kind: Workspace
metadata: {{name: shop}}
spec: {{admins: ["{principal()}"]}}
"""
LEDGER = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: ledger-prod
  workspace: shop
spec:
  environment: prod
  scopes:
    Reviews: read
  allowlist:
    - 203.0.113.0/24
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An explanation, and what stands on top of it for people."""

    verdict: str
    symptom: str
    said: str
    """The check that failed and its advice, with the lines to write."""
    rows: str
    """Every row of the table, below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A folder with one key in use, and what a person does there."""

    keyrec: CommandLine

    def ask(self, *arguments: str, secret: str = "", code: int = 2) -> Answer:
        """Ask why it does not work."""
        said = self.keyrec("explain", *arguments, stdin=secret)
        assert said.code == code, said.both
        top, *rows = said.out.split("\n\n")
        lines = [line for line in top.splitlines() if not line.startswith("Nothing that was")]
        return Answer(
            verdict=lines[0],
            symptom=lines[1].partition(": ")[0] if len(lines) > 1 else "",
            said="\n".join(lines[1:]),
            rows="\n\n".join(rows),
        )

    def works(self, *arguments: str, secret: str = "") -> Answer:
        """See that a key, by default the one at the sink path, is allowed."""
        answer = self.ask(*arguments, secret=secret or self.secret, code=0)
        assert answer.verdict.startswith("Allowed")
        return answer

    @property
    def secret(self) -> str:
        """Read the secret as its integration does."""
        return self.keyrec.secret_at(PATH)

    def apply(self) -> None:
        """Apply the manifests."""
        done = self.keyrec("apply", "--auto-approve")
        assert done.code == 0, done.both

    def write_what_is_said(self, answer: Answer) -> None:
        """Change the manifest as the printed lines say, at the printed line, and apply."""
        found = re.search(r"^ {8}(\S+):(\d+)\n((?: {8}[-+].*\n?)+)", answer.said, re.MULTILINE)
        assert found is not None, answer.said
        file, number = Path(found[1]), int(found[2]) - 1
        signed = [line[8:] for line in found[3].splitlines()]
        goes = [line[1:] for line in signed if line.startswith("-")]
        comes = [line[1:] for line in signed if line.startswith("+")]
        lines = file.read_text().split("\n")
        assert lines[number : number + len(goes)] == goes
        lines[number : number + len(goes)] = comes
        file.write_text("\n".join(lines))
        self.apply()

    def run_what_is_said(self, answer: Answer) -> None:
        """Run the command that stands in the advice."""
        found = re.search(r"`keyrec ([^`]+)`", answer.said)
        assert found is not None, answer.said
        done = self.keyrec(*found[1].split())
        assert done.code == 0, done.both

    def copy_from_where_it_is_said(self, answer: Answer) -> str:
        """Read the secret at the sink path that stands in the advice."""
        found = re.search(r"(?:from|is at) ([a-z0-9-]+/[a-z0-9/-]+)", answer.said)
        assert found is not None, answer.said
        return self.keyrec.secret_at(found[1])

    def report(self, secret: str, kind: UseKind, subject: str) -> None:
        """Say what a verifier has seen of a secret, as verifiers report it."""
        store = SqlStore(f"sqlite:///{STORE}", clock=SystemClock())
        now, version_id = store.now(), secret.split("_")[2]
        minute = now.replace(second=0, microsecond=0)
        mark = UseMark(version_id=version_id, kind=kind, subject=subject, last_at=minute)
        uses = ((version_id, minute),) if kind is UseKind.ORIGIN else ()
        store.report_uses(UseReport(reporter="a verifier", uses=uses, until=now, marks=(mark,)))
        store.close()

    def move(self, statement: str) -> None:
        """Let time pass in the store."""
        engine = create_engine(f"sqlite:///{STORE}")
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture
def shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shop:
    """Give a shop on SQLite and age files, its key applied."""
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    keyrec = CommandLine(folder=folder, home=home, monkeypatch=monkeypatch, capsys=capsys)
    keyrec.prepare()
    assert keyrec("init").code == 0
    keyrec.write("keys/shop/workspace.yaml", WORKSPACE)
    keyrec.write(KEY, LEDGER)
    shop = Shop(keyrec=keyrec)
    shop.apply()
    return shop


# | Key does not authenticate | Confirm copied value, expiration, active status, and correct
#   environment. |


Harm = Callable[[str], str]

HARMS: dict[str, tuple[Harm, str]] = {
    "end": (lambda key: key[:-9], "the value is cut off: its end is missing"),
    "beginning": (lambda key: key[5:], "the value is cut off: its beginning is missing"),
    "too long": (lambda key: key + key[:7], "the value is too long"),
    "quotes": (lambda key: f'"{key}"', "quotes stand around the value"),
    "header": (lambda key: f"Bearer {key}", "other text stands before the key"),
    "spaces": (lambda key: f"{key[:40]} {key[40:]}", "spaces stand in the value"),
    "line break": (lambda key: f"{key[:40]}\n{key[40:]}", "a line break stands in the value"),
    "changed": (
        lambda key: f"{key[:40]}{'x' if key[40] != 'x' else 'y'}{key[41:]}",
        "the checksum does not fit: a character was changed",
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_key_does_not_authenticate_copied_value(shop: Shop, harm: str) -> None:
    """What happened to the value is said, no part of it; copied again, it works."""
    key = shop.secret
    harmed, kind = HARMS[harm][0](key), HARMS[harm][1]

    answer = shop.ask(*INSIDE, secret=harmed)

    assert answer.symptom == "Key does not authenticate"
    assert kind in answer.said
    assert not any(part in answer.said + answer.rows for part in (key[20:40], key[-12:]))
    if harm != "beginning":
        assert NAME in answer.said
        shop.works(*INSIDE, secret=shop.copy_from_where_it_is_said(answer))


def test_key_does_not_authenticate_expiration(shop: Shop) -> None:
    """An expiration cannot be changed; the printed line makes a new key with a new one."""
    shop.keyrec.change(
        KEY, "environment: prod", "environment: prod\n  expiration: 1h\n  reissue: 2"
    )
    shop.apply()
    key = shop.secret
    shop.move("UPDATE keys SET expires_at = created_at WHERE expires_at IS NOT NULL")

    answer = shop.ask(*INSIDE, secret=key)

    assert answer.symptom == "Key does not authenticate"
    assert "the key expired at" in answer.said
    shop.write_what_is_said(answer)
    assert shop.secret != key
    shop.works(*INSIDE)


@pytest.mark.parametrize("style", ["active: false", "{key: value}"])
def test_key_does_not_authenticate_active_status(shop: Shop, style: str) -> None:
    """The printed line activates the same key again, in whatever style the manifest is written."""
    inactive = LEDGER.replace("environment: prod", "environment: prod\n  active: false")
    spec = (
        "{environment: prod, active: false, scopes: {Reviews: read}, allowlist: [203.0.113.0/24]}"
    )
    flow = f"{LEDGER.partition('spec:')[0]}spec: {spec} # ours\n"
    shop.keyrec.write(KEY, inactive if style == "active: false" else flow)
    shop.apply()

    answer = shop.ask(*INSIDE, secret=shop.secret)

    assert answer.symptom == "Key does not authenticate"
    assert "the key is deactivated" in answer.said
    shop.write_what_is_said(answer)
    shop.works(*INSIDE)


def test_key_does_not_authenticate_because_somebody_stopped_it(shop: Shop) -> None:
    """Who did and why, and the command that releases it."""
    assert shop.keyrec("hold", NAME, "--reason", "strange traffic").code == 0

    answer = shop.ask(*INSIDE, secret=shop.secret)

    assert answer.symptom == "Key does not authenticate"
    assert f"held by {principal()}" in answer.said
    assert "strange traffic" in answer.said
    shop.run_what_is_said(answer)
    shop.works(*INSIDE)


def test_key_does_not_authenticate_correct_environment(shop: Shop) -> None:
    """Each environment has a key of its own; that one works there."""
    shop.keyrec.write("keys/shop/ledger-test.yaml", LEDGER.replace("prod", "test"))
    shop.apply()

    answer = shop.ask(*INSIDE, "--environment", "test", secret=shop.secret)

    assert answer.symptom == "Key does not authenticate"
    assert "the key is for prod, it is used in test" in answer.said
    assert "use the key of test" in answer.said
    of_test = shop.keyrec.secret_at("shop/test/ledger-test")
    shop.works(*INSIDE, "--environment", "test", secret=of_test)


# | Access denied | Check scopes and workspace role. |


@pytest.mark.parametrize("scope", ["Reviews:operate", "Webhooks:change"])
def test_access_denied_scopes(shop: Shop, scope: str) -> None:
    """What is wanted, what is granted, and the printed line that grants it."""
    use = (*INSIDE, "--scope", scope)

    answer = shop.ask(*use, secret=shop.secret)

    assert answer.symptom == "Access denied"
    assert f"the call needs {scope}; the key holds Reviews:read" in answer.said
    assert f"{principal()} may change keys of the workspace shop" in answer.rows
    shop.write_what_is_said(answer)
    shop.works(*use)


def test_access_denied_workspace_role(shop: Shop) -> None:
    """Who may not change the key is told whom to ask; apply would refuse it as well."""
    shop.keyrec.change("keys/shop/workspace.yaml", principal(), "local:carol")
    shop.keyrec.change("keys/policy.yaml", f"- {principal()}", "- local:dana")
    shop.apply()

    answer = shop.ask(*INSIDE, "--scope", "Reviews:operate", secret=shop.secret)

    assert answer.symptom == "Access denied"
    assert f"{principal()} is no admin of the workspace shop" in answer.rows
    assert "its admins: local:carol" in answer.rows
    assert "ask one of them" in answer.rows
    with pytest.raises(AssertionError, match="is no admin of the workspace shop"):
        shop.write_what_is_said(answer)


# | Works locally, fails in production | Check IP allowlist and the real request origin. |


def test_works_locally_fails_in_production_ip_allowlist(shop: Shop) -> None:
    """The address is outside; the printed line lets it in."""
    real = ("--ip", "198.51.100.7")

    answer = shop.ask(*real, secret=shop.secret)

    assert answer.symptom == "Works locally, fails in production"
    assert "198.51.100.7 is outside the IP allowlist (203.0.113.0/24)" in answer.said
    shop.write_what_is_said(answer)
    shop.works(*real)


def test_works_locally_fails_in_production_real_request_origin(shop: Shop) -> None:
    """Nobody knows the origin, but verifiers saw it: it is shown with its time, and let in."""
    shop.report(shop.secret, UseKind.DENIED, "address-not-allowed 198.51.100.7")

    answer = shop.ask(NAME)

    assert answer.symptom == "Works locally, fails in production"
    assert re.search(r"denied lately.*: 198\.51\.100\.7 at \d{4}-\d\d-\d\d \d\d:\d\d", answer.said)
    shop.write_what_is_said(answer)
    solved = shop.works("--ip", "198.51.100.7")
    assert "inside the IP allowlist now: 198.51.100.7" in solved.rows


# | I lost the complete key | Rotate the key and update the integration. |


@pytest.mark.parametrize("left", ["name", "last characters", "version id"])
def test_i_lost_the_complete_key(shop: Shop, left: str) -> None:
    """Whatever is left names it; it is said where the secret lies, and how to have a new one."""
    lost = shop.secret
    named = {
        "name": (NAME,),
        "last characters": ("--last", lost[-4:]),
        "version id": ("--id", lost.split("_")[2]),
    }[left]

    answer = shop.ask(*named, *INSIDE, code=0)

    assert answer.symptom == "I lost the complete key"
    assert "cannot be shown again" in answer.said
    assert PATH in answer.said
    shop.run_what_is_said(answer)
    assert shop.secret != lost
    shop.works(*INSIDE)


# | Integration stopped after rotation | Update the secret in the external system and redeploy when
#   needed. |


def test_integration_stopped_after_rotation(shop: Shop) -> None:
    """The old secret was presented in vain, and from where; the new one never: read it again."""
    old = shop.secret
    assert shop.keyrec("rotate", NAME).code == 0
    shop.move("UPDATE key_versions SET retire_at = created_at WHERE state = 'retiring'")
    shop.report(old, UseKind.DENIED, "version-retired 203.0.113.9")

    answer = shop.ask(*INSIDE, secret=old)

    assert answer.symptom == "Integration stopped after rotation"
    assert "a rotation replaced this secret and its overlap is over" in answer.said
    assert re.search(r"\(…\w{4}\) was never used; an older one .* from 203\.0\.113\.9", answer.rows)
    new = shop.copy_from_where_it_is_said(answer)
    shop.report(new, UseKind.ORIGIN, "203.0.113.9")
    assert "Integration stopped after rotation: not this" in shop.works(*INSIDE, secret=new).rows


def test_integration_will_stop_after_rotation(shop: Shop) -> None:
    """While the old secret is still accepted, the system that has to change is already named."""
    old = shop.secret
    assert shop.keyrec("rotate", NAME).code == 0
    shop.report(old, UseKind.ORIGIN, "203.0.113.9")

    answer = shop.ask(NAME, *INSIDE, code=0)

    assert answer.symptom == "Integration stopped after rotation"
    assert "was never used; an older one was still presented" in answer.said
    assert "from 203.0.113.9" in answer.said
    assert "the older one works until" in answer.said
    new = shop.copy_from_where_it_is_said(answer)
    shop.report(new, UseKind.ORIGIN, "203.0.113.9")
    assert "Integration stopped after rotation: not this" in shop.works(*INSIDE, secret=new).rows
