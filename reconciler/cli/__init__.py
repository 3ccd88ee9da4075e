"""Arguments become one call and its rendering."""
