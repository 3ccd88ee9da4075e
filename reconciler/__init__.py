"""keyrec: a declarative reconciler for API keys."""

__version__ = "0.1.0"
