"""How laws are tried: always the same examples, and others in every run, whose seed is told.

`KEYREC_TEST_SEED` repeats the others.
"""

from __future__ import annotations

import os
import secrets

from hypothesis import HealthCheck, settings

SEED = int(os.environ.get("KEYREC_TEST_SEED") or secrets.randbelow(2**32))

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
FIXED = settings(
    derandomize=True, database=None, deadline=None, max_examples=100, suppress_health_check=_SLOW
)
"""The same examples in every run."""
RANDOM = settings(
    database=None, deadline=None, max_examples=40, print_blob=True, suppress_health_check=_SLOW
)
"""Other examples in every run; used with `@seed(SEED)`."""
