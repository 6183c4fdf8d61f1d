"""Scenarios out of dumps of real machines: one file for each source, `folder` joins them, `story` tells two dumps apart."""
