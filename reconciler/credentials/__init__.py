"""May this presented key do this, from here, now? And why not."""
