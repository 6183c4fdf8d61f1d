"""The `movsdk` command: one small file a sub-command."""
