"""`keyrec explain`: would this key be accepted, and why not?"""

from __future__ import annotations

import json
from typing import NoReturn

import pytest
from sqlalchemy import create_engine, text

from reconciler.errors import IdentityRefused
from tests.fakes.command_line import Answer, CommandLine

PATH = "demo/dev/hello-dev"
KEY = "keys/demo/hello-dev.yaml"


def test_a_good_key_is_allowed(applied: CommandLine) -> None:
    """Exit code 0; the key itself is shown nowhere."""
    secret = applied.secret_at(PATH)
    answer = applied("explain", "--scope", "Reviews:read", "--environment", "dev", stdin=secret)
    assert answer.code == 0
    assert answer.out.startswith("Allowed: demo/hello-dev")
    assert secret not in answer.both


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--scope", "Reviews:operate"), "insufficient-scope"),
        (("--scope", "Nothing:read"), "unknown-scope"),
        (("--environment", "prod"), "wrong-environment"),
    ],
)
def test_a_key_in_the_wrong_place_is_denied_with_the_reason(
    applied: CommandLine, flags: tuple[str, ...], reason: str
) -> None:
    """Exit code 2, and the rows of the console's table."""
    secret = applied.secret_at(PATH)
    answer = applied("explain", *flags, stdin=secret)
    assert answer.code == 2
    assert answer.out.startswith(f"Denied ({reason})")
    assert applied("explain", *flags, "-json", stdin=secret).json["reason"] == reason


def test_an_allowlist_wants_the_real_origin(applied: CommandLine) -> None:
    """Works locally, fails in production: the console's third row."""
    applied.change(KEY, "environment: dev", "environment: dev\n  allowlist: [203.0.113.0/24]")
    applied("apply", "--auto-approve")
    secret = applied.secret_at(PATH)
    assert applied("explain", "--ip", "203.0.113.7", stdin=secret).code == 0
    assert "(address-not-allowed)" in applied("explain", "--ip", "198.51.100.1", stdin=secret).out
    assert "(address-unknown)" in applied("explain", stdin=secret).out


def test_a_person_at_a_terminal_types_it_unseen(applied: CommandLine) -> None:
    """Neither echoed nor in any history."""
    import getpass

    secret = applied.secret_at(PATH)
    applied.monkeypatch.setattr(getpass, "getpass", lambda *_: f" {secret} ")
    assert applied("explain", typed="").code == 0


@pytest.mark.parametrize("stdin", ["", "\n"])
def test_no_key_is_a_usage_error(applied: CommandLine, stdin: str) -> None:
    """An empty pipe is told from a bad key."""
    answer = applied("explain", stdin=stdin)
    assert answer.code == 3
    assert "no key on stdin" in answer.err


@pytest.mark.parametrize("scope", ["Reviews", "Reviews:", ":read"])
def test_a_scope_without_a_level_is_a_usage_error(applied: CommandLine, scope: str) -> None:
    """The form is said."""
    answer = applied("explain", "--scope", scope, stdin="x")
    assert answer.code == 3
    assert "Webhooks:change" in answer.err


def test_a_text_that_is_no_key_is_denied_without_being_repeated(applied: CommandLine) -> None:
    """Whatever was pasted."""
    answer = applied("explain", stdin="hunter2-hunter2")
    assert answer.code == 2
    assert "hunter2" not in answer.both


def rows_of(answer: Answer) -> dict[str, str]:
    """Give the verdict of each row, by its symptom."""
    return {row["symptom"]: row["verdict"] for row in answer.json["rows"]}


def test_json_has_the_checks_the_rows_and_the_answer(applied: CommandLine) -> None:
    """What was there stays; a row has its checks, and the change of the manifest."""
    secret = applied.secret_at(PATH)
    answer = applied("explain", "--scope", "Reviews:operate", "-json", stdin=secret)
    assert [check["name"] for check in answer.json["checks"]][-1] == "scope"
    assert rows_of(answer) == {
        "Key does not authenticate": "cannot be told",
        "Access denied": "this is it",
        "Works locally, fails in production": "not this",
        "I lost the complete key": "not this",
        "Integration stopped after rotation": "not this",
    }
    change = answer.json["answer"]["change"]
    assert answer.json["answer"]["symptom"] == "Access denied"
    assert change == {
        "file": KEY,
        "line": change["line"],
        "before": "    Reviews: read",
        "after": ["    Reviews: operate"],
    }
    lines = (applied.folder / KEY).read_text().splitlines()
    assert lines[change["line"] - 1] == change["before"]


@pytest.mark.parametrize("manifests", ["gone", "invalid", "silent"])
def test_without_its_manifest_the_sentence_has_to_do(applied: CommandLine, manifests: str) -> None:
    """The store alone is needed."""
    secret = applied.secret_at(PATH)
    if manifests == "invalid":
        applied.change(KEY, "spec:", "spec: [")
    elif manifests == "silent":
        (applied.folder / KEY).unlink()
    else:
        for file in sorted((applied.folder / "keys").rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        (applied.folder / "keys").rmdir()
    answer = applied("explain", "--scope", "Reviews:operate", "-json", stdin=secret)
    assert answer.code == 2
    assert answer.json["answer"]["change"] is None
    assert "write `Reviews: operate` under spec.scopes" in answer.json["answer"]["advice"]


def test_whoever_cannot_be_known_is_explained_to_all_the_same(applied: CommandLine) -> None:
    """An identity is not needed to see what the store says."""
    secret = applied.secret_at(PATH)

    def nobody(*_: object) -> NoReturn:
        raise IdentityRefused("nobody is known")

    applied.monkeypatch.setattr("reconciler.bootstrap.doors.known", nobody)
    answer = applied("explain", stdin=secret)
    assert answer.code == 0
    assert "who runs this is not known; admins of the workspace demo: " in answer.out


@pytest.mark.parametrize("by", ["name", "short name", "id", "last"])
def test_a_key_can_be_named_instead(applied: CommandLine, by: str) -> None:
    """No secret is asked for, not even at a terminal; all else is checked."""
    secret = applied.secret_at(PATH)
    version_id, last = secret.split("_")[2], secret[-4:]
    named = {
        "name": ("demo/hello-dev",),
        "short name": ("hello-dev",),
        "id": ("--id", version_id),
        "last": ("--last", last),
    }[by]
    answer = applied("explain", *named, "--environment", "dev", "--scope", "Reviews:read", typed="")
    assert answer.code == 0
    assert answer.out.startswith(f"Allowed: demo/hello-dev (…{last}) version {version_id}\n")
    assert answer.out.count("not checked: no secret was presented") == 2
    denied = applied("explain", *named, "--environment", "prod", "-json")
    assert (denied.code, denied.json["reason"]) == (2, "wrong-environment")


def test_a_name_means_the_current_secret(applied: CommandLine) -> None:
    """And the newest, where none is current any more."""
    first = applied.secret_at(PATH).split("_")[2]
    assert applied("rotate", "hello-dev").code == 0
    second = applied.secret_at(PATH).split("_")[2]
    assert applied("explain", "hello-dev", "-json").json["version_id"] == second != first
    removal = {
        "apiVersion": "keyrec/v1",
        "kind": "KeyRemoval",
        "metadata": {"name": "hello-dev", "workspace": "demo"},
        "spec": {"reason": "system-retired"},
    }
    applied.write(KEY, json.dumps(removal))
    assert applied("apply", "--auto-approve").code == 0
    ended = applied("explain", "demo/hello-dev", "-json")
    assert (ended.json["version_id"], ended.json["reason"]) == (second, "key-removed")


def test_last_characters_of_several_secrets_are_listed(applied: CommandLine) -> None:
    """With the ids that tell them apart."""
    assert applied("rotate", "hello-dev").code == 0
    engine = create_engine("sqlite:///.keyrec/keys.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE key_versions SET last_characters = 'x9Kf'"))
        ids = connection.execute(text("SELECT version_id FROM key_versions")).scalars().all()
    engine.dispose()
    answer = applied("explain", "--last", "x9Kf")
    assert answer.code == 1
    assert "2 secrets end in …x9Kf." in answer.err
    for version_id in ids:
        assert f"--id {version_id} is demo/hello-dev" in answer.err


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (("--id", "0" * 12), "No secret has the version id 000000000000."),
        (("--last", "0000"), "No key of this repository ends in …0000."),
        (("demo/nothing",), "There is no key demo/nothing."),
        (("nothing",), "There is no key nothing."),
    ],
)
def test_a_key_that_is_not_there_is_not_found(
    applied: CommandLine, named: tuple[str, ...], message: str
) -> None:
    """That is no denial."""
    answer = applied("explain", *named)
    assert answer.code == 1
    assert message in answer.err


@pytest.mark.parametrize("flag", [(), ("--id",), ("--last",), ("--ip",), ("--environment",)])
def test_a_complete_key_among_the_arguments_counts_as_leaked(
    applied: CommandLine, flag: tuple[str, ...]
) -> None:
    """It is refused without being repeated, and the way to end it is said."""
    secret = applied.secret_at(PATH)
    answer = applied("explain", *flag, secret)
    assert answer.code == 3
    assert "Treat it as leaked: keyrec rotate ID --leaked" in answer.err
    assert not any(part in answer.both for part in (secret, secret.split("_")[3]))


@pytest.mark.parametrize("flag", [(), ("--id",), ("--last",)])
def test_a_piece_of_a_key_among_the_arguments_is_not_repeated(
    applied: CommandLine, flag: tuple[str, ...]
) -> None:
    """What has no form of a name, id or last characters may be secret."""
    piece = applied.secret_at(PATH)[:-9]
    answer = applied("explain", *flag, piece)
    assert answer.code == 3
    assert piece not in answer.both
    assert piece.split("_")[3][:12] not in answer.both


def test_a_key_is_named_once(applied: CommandLine) -> None:
    """Two names might be of two keys."""
    answer = applied("explain", "hello-dev", "--last", "x9Kf")
    assert answer.code == 3
    assert "named twice" in answer.err


@pytest.mark.parametrize("variable", ["KEYREC_ID", "KEYREC_LAST", "KEYREC_NAME"])
def test_no_variable_names_a_key(applied: CommandLine, variable: str) -> None:
    """Nobody is led to put a key into the environment."""
    applied.set(**{variable: "0000"})
    assert applied("explain", stdin=applied.secret_at(PATH)).code == 0


def test_a_damaged_value_names_its_key_by_the_store(applied: CommandLine) -> None:
    """The path to copy from is said; of the value, nothing is."""
    secret = applied.secret_at(PATH)
    answer = applied("explain", stdin=secret[:-9])
    assert answer.code == 2
    assert "the value is cut off: its end is missing" in answer.out
    assert f"copy the whole value again from {PATH}, where demo/hello-dev has it" in answer.out
    assert not any(part in answer.both for part in (secret.split("_")[2], secret[-20:-9]))


def test_a_value_of_any_length_and_bytes_is_answered(applied: CommandLine) -> None:
    """Nothing that is piped in is an error of the program."""
    for value in ("\x00", "\udcff" * 20, "_" * 10_000, "krk_" * 2000):
        answer = applied("explain", stdin=value)
        assert (answer.code, answer.err) == (2, "")
