"""The outside world, one file per technology; decides nothing."""
