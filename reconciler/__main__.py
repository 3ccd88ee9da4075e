"""`python -m reconciler` is `keyrec`."""

from reconciler.cli.main import main

main()
