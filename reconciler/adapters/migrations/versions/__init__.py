"""One module to a version of the tables, in order; what has been released is never changed."""
