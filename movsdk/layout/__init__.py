"""Address arithmetic: tables of resources in, tables and register writes out. No devices, no hooks, no hardware."""
