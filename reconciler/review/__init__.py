"""Plan → what a security team reads: who gains what, what may break, and which rule says so."""
