"""A plan becomes effects, in an order that survives a crash at any point."""
