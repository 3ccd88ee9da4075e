"""The HTTP face of verification, and nothing else."""
