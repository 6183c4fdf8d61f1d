"""The platforms a machine can be: a PC, a POWER8 machine on bare metal, a plain host.

Twin: arch/x86/pci, arch/powerpc/platforms/powernv, drivers/pci/controller/pci-host-common.c (linux-5.10). Values only; what a
field means stands in `arch`. Whether BARs move on a platform is the rules' word, see `cmdline.FeatureSwitch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from movsdk.errors import BadInput
from movsdk.kernel.arch import Platform
from movsdk.kernel.powernv import POWERNV
from movsdk.layout.table import MEG

_X86_WORDS: Final = (
    "off bfsort nobfsort conf1 conf2 mmconf nommconf noacpi noearly usepirqmask irqmask= lastbus= rom norom nobar "
    "assign-busses use_crs nocrs routeirq skip_isa_align noioapicquirk ioapicreroute noioapicreroute "
    "check_enable_amd_mmconf big_root_window"
)

X86: Final = Platform(
    name="x86",
    about="a PC: firmware's addresses are kept, I/O avoids ISA aliases, memory the RAM map and the first MiB",
    min_io=0x1000,
    min_mem=0x100_0000,
    avoids_isa_aliases=True,
    lowest_mem=MEG,
    keeps_off_ram=True,
    bios=(0xFFE0_0000, 0xFFFF_FFFF),  # the flash below 4 GiB, whatever the RAM map says
    shadows_vga_rom=True,
    words=frozenset(_X86_WORDS.split()),
)

GENERIC: Final = Platform(
    name="generic",
    about="a plain host bridge, as arm64 has: nothing of firmware's is kept, no legacy holes",
    claims_firmware=False,
    reads_windows=False,
    assigns_all_buses=True,
)

PLATFORMS: Final[Mapping[str, Platform]] = MappingProxyType({one.name: one for one in (X86, POWERNV, GENERIC)})


def platform_by_name(name: str) -> Platform:
    """Return the platform called `name`. Raises `BadInput` naming what there is."""
    try:
        return PLATFORMS[name]
    except KeyError:
        raise BadInput(f"platform {name!r} is not known; use one of {', '.join(PLATFORMS)}") from None
