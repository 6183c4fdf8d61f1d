"""A machine of ours in other people's formats: lspci, dmesg, QEMU, Graphviz, Mermaid. `importers` is the way back."""
