"""What the patch series adds: the rescan transaction, and one page of rules for each version."""
