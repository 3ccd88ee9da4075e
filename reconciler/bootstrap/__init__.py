"""The composition root: which adapter stands behind which door; the only importer of adapters."""
