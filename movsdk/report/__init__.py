"""Reports for people: address maps before and after, who was paused, what moved, what failed and why."""
