"""What each of the 21 patches is for: an experiment that goes well with it and wrong without it."""
