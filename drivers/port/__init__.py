"""The driver of PCI bridges and PCIe ports: its BARs move without it being paused."""
