"""For driver authors: the pytest plugin and its fixtures."""
