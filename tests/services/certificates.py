"""Certificates for a test's own TLS server, made by the openssl program."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.services.programs import needs

SERVER_NAME = "vault.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """PEM files: an authority, a server for `vault.test` alone, and a client."""

    folder: Path

    def file(self, name: str) -> str:
        """Give a file's path."""
        return str(self.folder / name)

    def server(self, *, asks_client: bool = False) -> ssl.SSLContext:
        """Give what the server shows."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.file("ca.pem"))
        context.load_cert_chain(self.file("server.pem"), self.file("server.key"))
        context.verify_mode = ssl.CERT_REQUIRED if asks_client else ssl.CERT_NONE
        return context


def made_certificates(folder: Path) -> Certificates:
    """Make all files in a folder."""
    openssl = needs("openssl")
    made = Certificates(folder=folder)

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True)

    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    new += ["-days", "2"]
    authority = ["-addext", "keyUsage=critical,keyCertSign"]
    for name in ("ca", "other"):
        files = ["-keyout", made.file(f"{name}.key"), "-out", made.file(f"{name}.pem")]
        run(*new, "-subj", f"/CN=test {name}", *authority, *files)
    for name, subject in (("server", f"DNS:{SERVER_NAME}"), ("client", "DNS:client.test")):
        files = ["-keyout", made.file(f"{name}.key"), "-out", made.file(f"{name}.pem")]
        signed = ["-CA", made.file("ca.pem"), "-CAkey", made.file("ca.key")]
        extensions = [
            "-addext",
            f"subjectAltName={subject}",
            "-addext",
            "basicConstraints=CA:FALSE",
        ]
        run(*new, "-subj", f"/CN=test {name}", *signed, *extensions, *files)
    return made
