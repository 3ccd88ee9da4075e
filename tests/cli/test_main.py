"""Every end of the program becomes an exit code and a readable sentence."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from reconciler.bootstrap import configuration
from reconciler.errors import KeyrecError, Locked, StoreUnavailable
from tests.fakes.command_line import CommandLine

TOKEN = "krk_prod_" + "a" * 12 + "_" + "b" * 49


def break_with(keyrec: CommandLine, error: BaseException) -> None:
    """Let every command fail where it reads its configuration."""

    def fail(*_: object, **__: object) -> None:
        raise error

    keyrec.monkeypatch.setattr(configuration, "find_configuration", fail)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["plna"], "There is no command 'plna'. Did you mean plan?"),
        (["plan", "--detaled-exitcode"], "No such option '--detaled-exitcode'"),
        (["get"], "Missing argument 'NAME'."),
        (["hold", "x"], "Missing option '--reason'."),
        (["apply", "--parallelism", "0"], "'--parallelism'"),
        (["apply", "--lock-timeout", "soon"], "a duration is a whole number and one of s, m, h, d"),
        (["plan", "--format", "pdf"], "'--format'"),
        (["lock"], "Usage: keyrec lock"),
        (["-C", "nowhere", "plan"], "There is no folder 'nowhere'"),
        (["show"], "Missing argument"),
        (["show", "a", "b", "c"], "Show takes one plan or two."),
    ],
)
def test_a_command_line_that_cannot_be_ends_with_3(
    keyrec: CommandLine, argv: list[str], said: str
) -> None:
    """Click's own 2 would read as `changes`."""
    answer = keyrec(*argv)
    assert answer.code == 3
    assert said in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("error", "code"), [(StoreUnavailable("x", advice="y"), 1), (Locked("x", advice="y"), 7)]
)
def test_an_expected_error_is_one_sentence_one_advice_and_its_code(
    keyrec: CommandLine, error: KeyrecError, code: int
) -> None:
    """Nothing but the sentence and the advice is written."""
    break_with(keyrec, error)
    answer = keyrec("status")
    assert (answer.code, answer.out, answer.err) == (code, "", "Error: x\n  y\n")


def test_an_error_of_a_json_command_is_json_too(keyrec: CommandLine) -> None:
    """A program that reads stdout finds one document in any case."""
    break_with(keyrec, Locked("x", advice="y"))
    answer = keyrec("status", "--format", "json")
    assert answer.err == ""
    assert answer.json["error"] == "locked"
    assert (answer.json["exit_code"], answer.json["exit"]) == (7, "locked")


def test_an_unexpected_error_is_one_line_that_quotes_nothing(keyrec: CommandLine) -> None:
    """Its text could hold anything."""
    break_with(keyrec, ValueError(f"cannot handle {TOKEN}"))
    answer = keyrec("status")
    assert answer.code == 1
    assert "fault of its own: ValueError in test_main.py:" in answer.err
    assert "cannot handle" not in answer.both
    assert "Traceback" not in answer.both


def test_vv_adds_the_traceback_without_anything_that_looks_like_a_key(keyrec: CommandLine) -> None:
    """Who reports a fault shows frames, never locals, never a key."""
    break_with(keyrec, ValueError(f"cannot handle {TOKEN}"))
    answer = keyrec("-v", "status", "-v")
    assert "Traceback" in answer.err
    assert "cannot handle [redacted]" in answer.err
    assert TOKEN not in answer.both


def test_a_key_among_the_arguments_is_not_repeated(keyrec: CommandLine) -> None:
    """What click says about an argument it does not know is searched too."""
    answer = keyrec("get", "a", TOKEN)
    assert answer.code == 3
    assert "[redacted]" in answer.err
    assert TOKEN not in answer.both


@pytest.mark.parametrize("argv", [["-C", "sub", "validate"], ["validate", "-C", "sub"]])
def test_a_global_flag_counts_before_and_after_the_command(
    keyrec: CommandLine, argv: list[str]
) -> None:
    """Habits differ; both places mean the same."""
    keyrec.write("sub/keyrec.yaml", "apiVersion: keyrec/v1\nkind: Config\nmanager: sub\n")
    keyrec.write(
        "sub/keys/a.yaml", "apiVersion: keyrec/v1\nkind: Workspace\nmetadata: {name: demo}\n"
    )
    answer = keyrec(*argv)
    assert (answer.code, answer.out) == (0, "1 document in 1 file is valid.\n")


def test_the_folder_of_a_command_is_left_behind_it(keyrec: CommandLine) -> None:
    """-C counts for one command."""
    keyrec.write("sub/keyrec.yaml", "apiVersion: keyrec/v1\nkind: Config\nmanager: sub\n")
    (keyrec.folder / "sub" / "keys").mkdir()
    assert keyrec("-C", "sub", "validate").code == 0
    assert keyrec("-C", "sub", "validate").code == 0


def test_without_a_configuration_the_way_to_one_is_named(keyrec: CommandLine) -> None:
    """The first command of a new user ends with what to do."""
    answer = keyrec("plan")
    assert answer.code == 3
    assert answer.err == (
        "Error: There is no keyrec.yaml here.\n"
        "  `keyrec init` makes one; -C DIR or --config FILE finds one elsewhere.\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "keyrec.yaml:2:1"),
        ("- a\n", "it has to be one mapping of kind Config"),
        ("apiVersion: keyrec/v1\nkind: Config\nmanger: x\n", "manger: is not a field of Config"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_refused_with_its_place(
    keyrec: CommandLine, text: str, said: str
) -> None:
    """The strict reader of manifests reads the configuration as well."""
    keyrec.write("keyrec.yaml", text)
    answer = keyrec("plan")
    assert answer.code == 3
    assert said in answer.err


def test_a_flag_can_stand_in_the_environment(applied: CommandLine) -> None:
    """KEYREC_ and the flag's name; the flag itself is stronger."""
    applied.change("keys/demo/hello-dev.yaml", "Reviews: read", "Reviews: operate")
    applied.set(KEYREC_DETAILED_EXITCODE="1", KEYREC_FORMAT="json")
    answer = applied("plan")
    assert answer.code == 2
    assert answer.json["summary"]["update"] == 1
    assert applied("plan", "--format", "text").out.startswith("keys/demo/hello-dev.yaml:2")


@pytest.mark.parametrize("variable", ["KEYREC_AUTO_APPROVE", "KEYREC_ALLOW_REMOVALS"])
def test_no_variable_can_approve(started: CommandLine, variable: str) -> None:
    """The environment may only be stricter."""
    started.set(**{variable: "1"})
    assert started("apply").code == 5


def test_a_reader_that_goes_away_is_no_error(applied: CommandLine) -> None:
    """`keyrec schema | head -1` ends quietly."""
    process = applied.start("schema")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0
    process.stderr.close()
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_outside_of_a_run_ends_the_program_with_130(
    started: CommandLine, number: signal.Signals
) -> None:
    """Nothing is under way, so nothing is waited for."""
    process = started.start("explain")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, "", "Error: Interrupted.")


def test_json_output_is_one_document_on_stdout(applied: CommandLine) -> None:
    """Everything that is not the result goes to stderr."""
    applied.change("keys/demo/hello-dev.yaml", "Reviews: read", "Reviews: operate")
    answer = applied("apply", "--auto-approve", "-json")
    assert json.loads(answer.out)["summary"]["applied"] == 1
    assert "Plan: " in answer.err


def test_quiet_keeps_remarks_back_and_results_not(applied: CommandLine) -> None:
    """-q leaves results and errors."""
    applied.change("keys/demo/hello-dev.yaml", "Reviews: read", "Reviews: operate")
    answer = applied("-q", "apply", "--auto-approve")
    assert answer.err == ""
    assert "Applied 1" in answer.out
