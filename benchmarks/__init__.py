"""What keyrec costs, as ratios of two things that were measured in turns in one run."""
