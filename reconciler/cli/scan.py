"""`keyrec scan`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "--range",
    "revisions",
    metavar="REV..REV",
    allow_from_autoenv=False,
    help="Search what these commits added, removed again or not, and their messages; "
    "REV alone means all commits up to it.",
)
@click.option(
    "--staged",
    is_flag=True,
    allow_from_autoenv=False,
    help="Search what the next commit would add: for a hook of git.",
)
@click.option("--prefix", metavar="PREFIX", help="Find only keys with this prefix.")
@click.option(
    "--except",
    "excepted",
    multiple=True,
    metavar="ID",
    allow_from_autoenv=False,
    help="Leave this version out, which has ended; may be repeated.",
)
@click.option(
    "--store",
    is_flag=True,
    help="Ask the key store whose the found keys are, and whether they are accepted.",
)
@click.option(
    "--rule",
    type=click.Choice(("gitleaks", "trufflehog")),
    allow_from_autoenv=False,
    help="Search nothing: print a rule for another scanner, for --prefix or that of keyrec.yaml.",
)
@format_option("text", "json", "sarif", "github")
@click.pass_obj
def command(
    session: Session,
    *,
    paths: tuple[str, ...],
    revisions: str | None,
    staged: bool,
    prefix: str | None,
    excepted: tuple[str, ...],
    store: bool,
    rule: str | None,
    form: str,
) -> ExitCode:
    """Find keys where none should be: in files, folders, a stream or git's history.

    Offline, without configuration or store: a text of a key's form is one where its checksum
    fits. Looks below the current folder where nothing is named; `-` is standard input. Links are
    not followed, and .git folders left out. A key is shown by its version id, never by its value;
    `keyrec rotate ID --leaked` ends it. Exits with 2 where a key was found, else with 1 where
    something could not be read.
    """
    from reconciler.cli.scanning import Asked, scanned, scanners_rule, show_scan

    asked = Asked(
        paths=paths, revisions=revisions, staged=staged, prefix=prefix, excepted=excepted, rule=rule
    )
    asked.require_one_kind()
    if rule is not None:
        session.show(scanners_rule(session, rule, prefix))
        return ExitCode.DONE
    scan = scanned(session, asked, with_store=store)
    show_scan(session, scan, form)
    return scan.exit_code
