"""Decrypt one age file to standard output, for machines without the ordinary `age` tool.

tools/age_decrypt.py -d -i IDENTITY FILE: the three arguments of `age` that the demo uses.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyrage import decrypt, x25519


def main() -> None:
    """Read the identity's file and the encrypted one; write the plain text and nothing else."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-d", action="store_true", required=True)
    parser.add_argument("-i", dest="identity", type=Path, required=True)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    lines = arguments.identity.read_text(encoding="utf-8").splitlines()
    identities = [
        x25519.Identity.from_str(line) for line in lines if line.startswith("AGE-SECRET-KEY-1")
    ]
    sys.stdout.buffer.write(decrypt(arguments.file.read_bytes(), identities))


if __name__ == "__main__":
    main()
