"""An old I/O card whose driver has no rescan hooks: its BARs never move."""
