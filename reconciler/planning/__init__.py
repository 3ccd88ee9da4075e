"""Desired and observed state become a plan; pure."""
