"""How laws are tried: always the same examples, and others in every run, whose seed is told.

`KEYREC_TEST_SEED` repeats the others; `KEYREC_TEST_STORIES` says how many stories of the state
machine are told in a test.
"""

from __future__ import annotations

import os
import secrets

from hypothesis import HealthCheck, settings

SEED = int(os.environ.get("KEYREC_TEST_SEED") or secrets.randbelow(2**32))
STORIES = int(os.environ.get("KEYREC_TEST_STORIES") or 80)

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
FIXED = settings(
    derandomize=True, database=None, deadline=None, max_examples=100, suppress_health_check=_SLOW
)
"""The same examples in every run."""
RANDOM = settings(
    database=None, deadline=None, max_examples=40, print_blob=True, suppress_health_check=_SLOW
)
"""Other examples in every run; used with `@seed(SEED)`."""

STORY_LENGTH = 30
FIXED_STORIES = settings(FIXED, max_examples=200, stateful_step_count=STORY_LENGTH)
RANDOM_STORIES = settings(RANDOM, max_examples=STORIES, stateful_step_count=STORY_LENGTH)
