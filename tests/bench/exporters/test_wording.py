"""Our dmesg against a real one: logs of Debian's Linux 6.12, booted on exported QEMU machines and replayed with hotplug.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from movsdk.bench.exporters.kernel_log import KernelLog
from movsdk.bench.sysfs.stage import staged
from tests.bench.exporters.machines import NAMES, scenario_of

LOGS = sorted((Path(__file__).parent / "logs").glob("*.txt"))
# What these two machines had no occasion to say; each is a message of today's kernel, or of the series where it says so.
OTHERWISE = {
    "pci #: ROM #",
    "pci #: ROM #: assigned",
    "pci #: ROM #: can't assign; no space",
    "pci #: ROM #: failed to assign",
    "pci #: enabling device (#)",
    "pci #: PCI bridge to # (subtractive decode)",
    "pci #: can't claim BAR #; address conflict or no compatible bridge window",
    "pci #: No bus number available for hot-added bridge",
    "pci #: busn_res: can not insert # under #",
    "pci #: pciehp: Slot(#): Powering off due to button press",
    "pci #: pciehp: Slot(#): Powering on due to button press",
    "pci #: pciehp: Slot(#): Card not present",
    "pci #: pciehp: Slot(#): Link Down",
    "pci #: pciehp: Slot(#): Power fault",
    "pci #: pciehp: Slot(#): Attention button pressed",
    "pci #: Disable movable BARs due to a transparent bridge",  # v9
    "pci #: ignored: with its BARs a device that worked before would have lost its own",  # v9
    "pci #: not assigned, COMMAND left as it is",
    "pci_bus #: BAR assignment failed, no newcomer left to give up",  # v9
}
_KINDS = r"(conventional PCI (endpoint|bridge)|PCIe (Endpoint|Root Port|Switch (Up|Down)stream Port|to PCI/PCI-X bridge))$"


def shape(line: str) -> str:
    """A line without its time and numbers, and without the name of the driver that has the device."""
    text = re.sub(r"^\[ *\d+\.\d+\] ", "", line)
    text = re.sub(r"^(?!pci_bus )[\w-]+ (?=[0-9a-f]{4}:)", "pci ", text)
    text = re.sub(_KINDS, "KIND", text)
    text = re.sub(r"\[(io |mem|bus|[0-9a-f]{4}:)[^]]* window\]", "# window", text)
    text = re.sub(r"\[(io |mem|bus|[0-9a-f]{4}:)[^]]*\]", "#", text)
    text = re.sub(r"\([0-9a-f]{4} -> [0-9a-f]{4}\)", "(#)", text)
    text = re.sub(r"[0-9a-f]{4}:[0-9a-f]{2}(:[0-9a-f]{2}\.[0-7])?(?=:|$)", "#", text)
    text = re.sub(r"(class 0x|BAR |resource )[0-9a-f]+\b", r"\1#", text)
    return re.sub(r"Slot\(\d+\)|type 0[01]", lambda found: found[0][:5] + "#" + found[0][6:], text)


def real() -> set[str]:
    """What the real kernel said."""
    return {shape(line) for log in LOGS for line in log.read_text().splitlines()}


def said(name: str, rules: str) -> set[str]:
    """What we export, but for the command line's echo."""
    log = KernelLog()
    staged(scenario_of(name), rules, watch=log.watch)
    return {shape(line) for line in log.text().splitlines() if not re.match(r"\[ *[\d.]+\] (PCI: |Kernel|pci=)", line)}


@pytest.mark.parametrize("rules", ["v9", "off"])
@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_one_that_a_kernel_prints(name: str, rules: str) -> None:
    """No wording of ours: each shape of line stands in a real log, or in the list of those that the logs had no occasion for."""
    assert said(name, rules) - real() - OTHERWISE == set()


def test_the_real_shapes_are_ours() -> None:
    """And the other way: what we never say of what the real kernel said is known."""
    ours = set().union(*(said(name, "off") for name in NAMES)) | OTHERWISE
    missing = {text for text in real() - ours if "pciehp" not in text}
    assert {re.sub(r" (#|0x).*", "", text.split(": ", 1)[1]) for text in missing} == {
        "bridge window",  # "... to [bus 02] add_size 1000", "requires relaxed alignment rules"
        "resource",  # "... released"
        "Assigned bridge window",  # "... cannot fit 0x200000000 required for ..."
    }
