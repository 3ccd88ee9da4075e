"""`keyrec scan`: offline, by id and place, never by value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from reconciler.cli import scanning
from tests.adapters.git_repository import Repository
from tests.cli.test_help import loaded_after
from tests.fakes.command_line import CommandLine
from tests.fakes.planted import ID, OTHER_ID, key, secret_of

ROOT = Path(__file__).resolve().parents[2]
FORMS = ("text", "json", "sarif", "github")
STORES = {"sqlalchemy", "alembic", "hvac", "argon2", "psycopg", "pyrage"}


@pytest.fixture
def planted(keyrec: CommandLine) -> CommandLine:
    """Give a folder with a key in it, and no configuration."""
    keyrec.write("conf/app.env", f"A=1\nKEY={key()}\n")
    return keyrec


@pytest.fixture
def repository(keyrec: CommandLine) -> Repository:
    """Give a repository in the folder, with a key that was committed and removed again."""
    made = Repository(keyrec.folder)
    made.write("conf/app.env", f"A=1\nKEY={key()}\n")
    made.commit()
    made.write("conf/app.env", "A=1\n")
    made.commit()
    return made


def test_a_key_is_told_by_place_and_id_with_what_ends_it(planted: CommandLine) -> None:
    """The current folder is the default; exit code 2."""
    answer = planted("scan")
    assert answer.code == 2
    assert answer.out == (
        f"conf/app.env:2:5: error: a key: version {ID}, environment prod, "
        f"last characters {key()[-4:]}\n"
        "1 key found in 1 place; 1 file looked at.\n"
        "Each of them ends at once, and its key gets a new secret, with:\n"
        f"  keyrec rotate {ID} --leaked\n"
    )
    assert answer.err == ""
    assert planted.hardened == 1


def test_a_clean_folder_is_said_to_be_clean(keyrec: CommandLine) -> None:
    """With how much was looked at; exit code 0."""
    keyrec.write("a", "clean")
    answer = keyrec("scan", ".")
    assert (answer.code, answer.out) == (0, "No keys found; 1 file looked at.\n")


@pytest.mark.parametrize("form", FORMS)
def test_no_form_shows_the_value(planted: CommandLine, form: str) -> None:
    """Neither of what stands in a file, nor of what stands in its name."""
    planted.write(f"dump-{key(OTHER_ID)}/{key(OTHER_ID)}.txt", f"{key()} {key(OTHER_ID)}")
    answer = planted("scan", ".", f"gone/{secret_of(key())}", "--format", form)
    assert answer.code == 2
    assert ID in answer.out
    assert OTHER_ID in answer.out
    assert secret_of(key()) not in answer.both.replace(f"gone/{secret_of(key())}", "")


def test_json_sarif_and_github_name_the_same_place(planted: CommandLine) -> None:
    """Programs, code scanning and a job's log get the key at file, line and column."""
    found = planted("scan", "-json").json
    (one,) = found["found"]
    assert one == {
        "source": {"file": "conf/app.env", "line": 2, "column": 5, "end_line": 0},
        "part": "content",
        "commit": None,
        "version_id": ID,
        "prefix": "krk",
        "environment": "prod",
        "last_characters": key()[-4:],
    }
    end = f"keyrec rotate {ID} --leaked"
    assert found["versions"] == [{"version_id": ID, "standing": None, "address": None, "end": end}]
    assert (found["exit_code"], found["exit"], found["files"]) == (2, "changes", 1)
    (result,) = planted("scan", "--format", "sarif").json["runs"][0]["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "conf/app.env"},
        "region": {"startLine": 2, "startColumn": 5},
    }
    assert (result["ruleId"], result["level"]) == ("key-found", "error")
    annotation = planted("scan", "--format", "github").out
    assert annotation.startswith("::error file=conf/app.env,line=2,col=5,title=keyrec key-found::")
    assert annotation.rstrip().endswith(end)


def test_what_could_not_be_read_is_told_beside_what_was(planted: CommandLine) -> None:
    """Alone it is exit code 1; beside a key 2."""
    answer = planted("scan", "gone", "conf")
    assert answer.code == 2
    assert "gone: not read: no such file or directory\n" in answer.out
    assert "1 key found in 1 place; 1 file looked at, 1 not read.\n" in answer.out
    planted.write("conf/app.env", "clean")
    answer = planted("scan", "gone", "conf")
    assert answer.code == 1
    assert answer.out.endswith("No keys found; 1 file looked at, 1 not read.\n")
    unread = planted("scan", "gone", "-json").json["unread"]
    assert unread == [{"file": "gone", "reason": "no such file or directory"}]
    for form in ("sarif", "github"):
        assert "could not be searched for keys" in planted("scan", "gone", "--format", form).out


def test_hostile_names_cannot_steer_a_terminal_or_a_job(planted: CommandLine) -> None:
    """Control characters are shown, commands of job logs are disarmed."""
    for name in ("\x1b[2Ja", "a\nb", "::error file=x::y"):
        planted.write(f"x/{name}", key())
    for form in FORMS:
        out = planted("scan", "x", "--format", form).out
        assert "\x1b" not in out
        assert not any(line.startswith("::error file=x::") for line in out.splitlines())
    assert "x/a\\nb:1:1" in planted("scan", "x").out


def test_a_place_that_is_named_twice_is_told_once(planted: CommandLine) -> None:
    """A hook may pass a file and its folder."""
    assert "1 key found in 1 place" in planted("scan", "conf/app.env", "conf").out


def test_a_prefix_narrows_and_an_ended_version_is_left_out(planted: CommandLine) -> None:
    """Keys of others, and what is known to have ended."""
    assert planted("scan", "--prefix", "acme").code == 0
    assert planted("scan", "--prefix", "krk").code == 2
    assert planted("scan", "--except", ID).code == 0
    assert planted("scan", "--except", OTHER_ID).code == 2


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--prefix", "K"), "no prefix of keys"),
        ((".", "--staged"), "different things"),
        (("--staged", "--range", "HEAD"), "different things"),
        (("--rule", "gitleaks", "."), "different things"),
        (("--rule", "nobody"), "nobody"),
        (("--range", "a...b"), "no range"),
        (("-",), "no standard input"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    keyrec: CommandLine, argv: tuple[str, ...], said: str
) -> None:
    """Exit code 3, before anything is searched."""
    answer = keyrec("scan", *argv)
    assert answer.code == 3
    assert said in answer.err


@pytest.mark.parametrize("flag", [(), ("--except",), ("--prefix",), ("--range",)])
def test_a_key_among_the_arguments_is_refused_and_not_repeated(
    keyrec: CommandLine, flag: tuple[str, ...]
) -> None:
    """It stands in the shell's history now; a file of that name is searched all the same."""
    answer = keyrec("scan", *flag, key())
    assert answer.code == 3
    assert "Treat it as leaked" in answer.err
    assert secret_of(key()) not in answer.both
    keyrec.write(key(), "clean")
    answer = keyrec("scan", key())
    assert (answer.code, secret_of(key()) in answer.both) == (2, False)
    assert "a key in the name" in answer.out


def test_a_stream_is_searched_where_it_is_asked_for(keyrec: CommandLine) -> None:
    """What is piped in without being asked for is neither read nor passed by."""
    with keyrec.start("scan", "-") as process:
        out, err = process.communicate(f"+{key()}\n", timeout=60)
    assert (process.returncode, err) == (2, "")
    assert out.startswith(f"(standard input):1:2: error: a key: version {ID}")
    with keyrec.start("scan") as process:
        out, err = process.communicate(f"+{key()}\n", timeout=60)
    assert (process.returncode, out) == (3, "")
    assert "keyrec scan - for the stream, keyrec scan . for the current folder" in err


def test_an_absent_stream_is_none_that_is_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service may have closed it."""
    monkeypatch.setattr(sys, "stdin", None)
    assert not scanning._is_piped()


def test_it_needs_neither_configuration_nor_store(planted: CommandLine) -> None:
    """A broken configuration does not matter, and what reaches a store is not loaded."""
    planted.write("keyrec.yaml", "kind: Nonsense")
    planted.set(KEYREC_STORE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert planted("scan", "conf").code == 2
    assert loaded_after("scan", "conf") & STORES == set()


def test_a_range_finds_what_was_removed_again(keyrec: CommandLine, repository: Repository) -> None:
    """With the commit that added it; the folder itself is clean."""
    assert keyrec("scan").code == 0
    first = repository.git("rev-parse", "HEAD~1")
    answer = keyrec("scan", "--range", "HEAD")
    assert answer.code == 2
    assert f"conf/app.env:2:5: error: a key: version {ID}" in answer.out
    assert f"added by commit {first[:7]}\n" in answer.out
    assert "1 key found in 1 place; 2 files and 2 commits looked at.\n" in answer.out
    assert keyrec("scan", "--range", "HEAD", "-json").json["found"][0]["commit"] == first
    assert keyrec("scan", "--range", "HEAD~1..HEAD").code == 0
    assert keyrec("scan", "--range", "HEAD", "--except", ID).code == 0


def test_outside_of_a_repository_a_range_is_an_error(keyrec: CommandLine) -> None:
    """Nothing was searched, and that is said."""
    answer = keyrec("scan", "--range", "HEAD")
    assert answer.code == 1
    assert "not in a git repository" in answer.err


@pytest.mark.parametrize("scanner", ["gitleaks", "trufflehog"])
def test_a_rule_is_printed_for_the_configured_prefix(started: CommandLine, scanner: str) -> None:
    """--prefix is stronger, and without a configuration it is the default's."""

    def keywords(*argv: str) -> str:
        answer = started("scan", "--rule", scanner, *argv)
        assert answer.code == 0
        is_toml = scanner == "gitleaks"
        return str(tomllib.loads(answer.out) if is_toml else yaml.safe_load(answer.out))

    assert "'krk_'" in keywords()
    started.set(KEYREC_TOKEN_PREFIX="acme")
    assert "'acme_'" in keywords()
    assert "'ours_'" in keywords("--prefix", "ours")
    (started.folder / "keyrec.yaml").unlink()
    assert "'acme_'" in keywords()


def hook(repository: Repository, name: str, line: str) -> None:
    """Put a program of ours where git looks for one."""
    at = repository.root / ".git" / "hooks" / name
    at.parent.mkdir(exist_ok=True)
    at.write_text(f"#!/bin/sh\nexport PYTHONPATH={ROOT}\nexec {line}\n")
    at.chmod(0o755)


def commit(repository: Repository, *argv: str) -> subprocess.CompletedProcess[str]:
    """Commit as a person does, with the hooks."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    return subprocess.run(
        ["git", *who, "commit", *(argv or ("--message", "x"))],
        cwd=repository.root,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )


KEYREC = f"{sys.executable} -m reconciler"


def published_hook() -> str:
    """Give the command of the published hook, as pre-commit appends the staged names to it."""
    hooks = {h["id"]: h for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    program, _, rest = hooks["keyrec-scan"]["entry"].partition(" ")
    assert program == "keyrec"
    assert hooks["keyrec-scan"].get("pass_filenames", True)
    return f"git diff --cached --name-only --diff-filter=AM -z | xargs -0 {KEYREC} {rest}"


@pytest.mark.parametrize("way", ["staged", "published"])
def test_a_commit_with_a_key_is_refused(repository: Repository, way: str) -> None:
    """By a hook of git's own, and by the published one, which gets the staged names; the message
    names file, line and id, not the value.
    """
    line = f"{KEYREC} scan --staged" if way == "staged" else f"sh -c '{published_hook()}'"
    hook(repository, "pre-commit", line)
    repository.write("deploy/values.yaml", f"a: 1\nb:\n  key: {key(OTHER_ID)}\n")
    repository.git("add", "--all")
    refused = commit(repository)
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0, said
    assert f"deploy/values.yaml:3:8: error: a key: version {OTHER_ID}" in said
    assert f"keyrec rotate {OTHER_ID} --leaked" in said
    assert secret_of(key()) not in said
    repository.write("deploy/values.yaml", "a: 1\nb:\n  key: from the vault\n")
    repository.git("add", "--all")
    assert commit(repository).returncode == 0


def test_a_key_in_a_commits_message_is_refused(repository: Repository) -> None:
    """The same hook at commit-msg is given the file of the message."""
    hook(repository, "commit-msg", f'{KEYREC} scan "$1"')
    refused = commit(repository, "--allow-empty", "--message", f"try {key()}")
    assert refused.returncode != 0
    assert secret_of(key()) not in refused.stdout + refused.stderr
    assert commit(repository, "--allow-empty", "--message", "fine").returncode == 0


def test_json_is_one_document_with_sorted_keys(planted: CommandLine) -> None:
    """The same bytes for the same folder."""
    first = planted("scan", "-json").out
    assert first == planted("scan", "-json").out
    assert list(json.loads(first)) == sorted(json.loads(first))
