"""What authors of real drivers met, as small drivers: each file has the bug and the fix."""
