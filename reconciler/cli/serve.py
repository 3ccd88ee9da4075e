"""`keyrec serve`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.session import Session
from reconciler.errors import ExitCode

_PORT = click.IntRange(min=0, max=65535)


@click.command(cls=KeyrecCommand)
@click.option(
    "--host",
    metavar="ADDRESS",
    allow_from_autoenv=False,
    help="Listen on this address.  [default: 127.0.0.1]",
)
@click.option(
    "--port",
    type=_PORT,
    metavar="N",
    allow_from_autoenv=False,
    help="Listen on this port; 0 takes a free one.  [default: 8321]",
)
@click.option("--uds", metavar="PATH", help="Listen on a Unix socket instead.")
@click.option(
    "--health-port",
    type=click.IntRange(min=1, max=65535),
    metavar="N",
    allow_from_autoenv=False,
    help="Answer health and metrics on this port, and nothing else there.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=64),
    metavar="N",
    help="Processes that answer.  [default: 1]",
)
@click.option("--tls-cert", metavar="FILE", help="PEM file of the certificate with its chain.")
@click.option("--tls-key", metavar="FILE", help="PEM file of the certificate's key.")
@click.option(
    "--environment", metavar="NAME", help="Accept only keys of this environment.  [default: any]"
)
@click.pass_obj
def command(
    session: Session,
    *,
    host: str | None,
    port: int | None,
    uds: str | None,
    health_port: int | None,
    workers: int | None,
    tls_cert: str | None,
    tls_key: str | None,
    environment: str | None,
) -> ExitCode:
    """Answer gateways and services about presented keys, over HTTP.

    `/v1/authorize` is for nginx, Traefik, Envoy and Caddy; a service asks `/v1/introspect` about a
    key that it was shown. Runs until SIGTERM or Ctrl-C, then answers what is under way and reports
    the last uses. Needs the extra: pip install 'keyrec[server]'.
    """
    from reconciler.bootstrap.serving import ServeTerms, ServeWish, serve
    from reconciler.cli.interrupts import stopping

    wish = ServeWish(
        host=host,
        port=port,
        health_port=health_port,
        workers=workers,
        tls_certificate=tls_cert,
        tls_key=tls_key,
        environment=environment,
        uds=uds,
    )
    terms = ServeTerms(
        stop=session.stop,
        say=session.say,
        warn=session.warn,
        level="WARNING" if session.quiet else "INFO",
    )
    with stopping(session.stop, lambda _: None):
        is_started = serve(session.config, wish, terms)
    return ExitCode.DONE if is_started else ExitCode.ERROR
