"""What Linux remembers about the hardware, and the code of drivers/pci that keeps it."""
