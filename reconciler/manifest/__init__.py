"""Text becomes desired state; every problem is reported at file:line:column."""
