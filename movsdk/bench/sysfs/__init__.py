"""A machine's /sys and the parts of /proc that tell of PCI: one view, three back ends (pyfakefs, FUSE, files in a folder)."""
