"""Small dumps in the wordings of many versions and machines. Written for these tests; no real machine is in them."""

from __future__ import annotations

LAPTOP = """\
00:00.0 Host bridge: Some Corporation DRAM Controller (rev 09)
    Subsystem: Other Corporation Device 0100
    Control: I/O- Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx-
    Capabilities: [e0] Vendor Specific Information: Len=0c <?>
    Kernel driver in use: agpgart-intel

00:02.0
 VGA compatible controller: a line that a mail program broke
00:1c.0 PCI bridge: Some Corporation PCI Express Root Port 1 (rev c4) (prog-if 00 [Normal decode])
    Control: I/O+ Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx+
    Bus: primary=00, secondary=01, subordinate=03, sec-latency=0
    I/O behind bridge: 00002000-00002fff
    Memory behind bridge: dfb00000-dfcfffff
    Prefetchable memory behind bridge: 00000000dfd00000-00000000dfefffff
    BridgeCtl: Parity- SERR- NoISA- VGA- MAbort- >Reset- FastB2B-
    Capabilities: [40] Express (v2) Root Port (Slot+), MSI 00
        LnkCap:    Port #1, Speed 5GT/s, Width x1, ASPM L0s L1, Latency L0 <1us, L1 <4us
            ClockPM- Surprise- LLActRep+ BwNot-
        SltCap:    AttnBtn- PwrCtrl- MRL- AttnInd- PwrInd- HotPlug+ Surprise+
            Slot #5, PowerLimit 0.000W; Interlock- NoCompl+
    Capabilities: [80] MSI: Enable+ Count=1/1 Maskable- 64bit-
    Kernel driver in use: pcieport

01:00.0 Non-Volatile memory controller: Some Corporation SSD (rev 01) (prog-if 02 [NVM Express])
    Control: I/O- Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx+
    Interrupt: pin A routed to IRQ 16
    Region 0: Memory at dfb00000 (64-bit, non-prefetchable) [size=16K]
    Expansion ROM at <unassigned> [disabled]
    Capabilities: [b0] MSI-X: Enable+ Count=33 Masked-
        Vector table: BAR=0 offset=00002000
        PBA: BAR=0 offset=00003000
    Kernel driver in use: nvme
    Kernel modules: nvme
"""

GPU = """\
0000:00:00.0 Host bridge [0600]: Vendor Device [1022:1480]
\tFlags: fast devsel
\tCapabilities: <access denied>

0000:00:01.0 PCI bridge [0604]: Vendor Device [1022:1483] (prog-if 00 [Normal decode])
\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0
\tI/O behind bridge: None
\tMemory behind bridge: fc000000-fc0fffff [size=1M] [32-bit]
\tPrefetchable memory behind bridge: 6000000000-600fffffff [size=256M] [32-bit]
\tCapabilities: [58] Express (v2) Root Port (Slot-), MSI 00
\tKernel driver in use: pcieport

0000:01:00.0 VGA compatible controller [0300]: Vendor GPU [1002:73df] (rev c1) (prog-if 00 [VGA controller])
\tSubsystem: Vendor Card [1da2:e445]
\tControl: I/O- Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx+
\tRegion 0: Memory at 6000000000 (64-bit, prefetchable) [size=256M]
\tRegion 5: Memory at fc000000 (32-bit, non-prefetchable) [size=512K]
\tExpansion ROM at 000c0000 [virtual] [disabled] [size=128K]
\tCapabilities: [64] Express (v2) Legacy Endpoint, MSI 00
\tCapabilities: [200 v1] Physical Resizable BAR
\t\tBAR 0: current size: 256MB, supported: 256MB 512MB 1GB 2GB 4GB
\tCapabilities: [320 v1] #2e
\tKernel driver in use: amdgpu
"""

EPYC = """\
0000:00:00.0 Host bridge [0600]: V D [1022:1480]
\tControl: I/O- Mem+ BusMaster-
0000:00:01.0 System peripheral [0880]: V D [1022:1481]
\tRegion 0: Memory at e0000000 (32-bit, non-prefetchable) [size=64K]
0000:40:00.0 Host bridge [0600]: V D [1022:1480]
0000:40:01.0 PCI bridge [0604]: V D [1022:1483] (prog-if 00 [Normal decode])
\tBus: primary=40, secondary=41, subordinate=42, sec-latency=0
\tMemory behind bridge: c0000000-c00fffff [size=1M] [32-bit]
0000:41:00.0 Ethernet controller [0200]: V D [8086:1521] (rev 01)
\tRegion 0: Memory at c0000000 (32-bit, non-prefetchable) [size=64K]
0000:ff:00.0 Host bridge [0600]: V D [8086:2f81]
10000:00:00.0 System peripheral [0880]: V D [8086:09ab]
\tRegion 0: Memory at d0000000 (32-bit, non-prefetchable) [size=4K]
"""

SRIOV = """\
0000:00:00.0 Ethernet controller [0200]: V NIC [15b3:1015]
\tControl: I/O- Mem+ BusMaster+ SpecCycle-
\tRegion 0: Memory at 4000000000 (64-bit, prefetchable) [size=32M]
\tCapabilities: [60] Express (v2) Endpoint, MSI 00
\tCapabilities: [180 v1] Single Root I/O Virtualization (SR-IOV)
\t\tInitial VFs: 8, Total VFs: 8, Number of VFs: 0, Function Dependency Link: 00
\t\tVF offset: 2, stride: 1, Device ID: 1016
\t\tSupported Page Size: 000007ff, System Page Size: 00000001
\t\tRegion 0: Memory at 000000401c000000 (64-bit, prefetchable)
\t\tVF Migration: offset: 00000000, BIR: 0
"""

ENHANCED = """\
0002:00:00.0 Ethernet controller [0200]: V NIC [177d:a11e] (rev 08)
\tControl: I/O- Mem+ BusMaster+ SpecCycle-
\tRegion 0: [virtual] Memory at 843000000000 (32-bit, non-prefetchable) [size=1G]
\tCapabilities: [98] Enhanced Allocation (EA): NumEntries=2
\t\tEntry 0: Enable+ Writable- EntrySize=4
\t\t\t BAR Equivalent Indicator: BAR 0
\t\t\t PrimaryProperties: memory space, non-prefetchable
\t\t\t Base: 843000000000
\t\t\t MaxOffset: 03fffffff
\t\tEntry 1: Enable+ Writable- EntrySize=4
\t\t\t BAR Equivalent Indicator: VF-BAR 0
\t\t\t Base: 8430a0000000
\t\t\t MaxOffset: 0001fffff
"""

NEW_LOG = """\
[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable
[    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable
[    0.300000] PCI host bridge to bus 0000:00
[    0.300001] pci_bus 0000:00: root bus resource [io  0x0000-0xffff window]
[    0.300002] pci_bus 0000:00: root bus resource [mem 0x80000000-0xfebfffff window]
[    0.300003] pci_bus 0000:00: root bus resource [mem 0x4000000000-0x7fffffffff window]
[    0.300004] pci_bus 0000:00: root bus resource [bus 00-ff]
[    0.400000] pci 0000:00:00.0: [8086:1237] type 00 class 0x060000 conventional PCI endpoint
[    0.400001] pci 0000:00:1c.0: [8086:a110] type 01 class 0x060400 PCIe Root Port
[    0.400002] pci 0000:00:1c.0: PCI bridge to [bus 01-05]
[    0.400003] pci 0000:00:1c.0:   bridge window [mem 0x80000000-0x801fffff]
[    0.400004] pci 0000:00:1c.0:   bridge window [mem 0x4000000000-0x40000fffff 64bit pref]
[    0.400005] pci 0000:01:00.0: [144d:a826] type 00 class 0x010802 PCIe Endpoint
[    0.400006] pci 0000:01:00.0: BAR 0 [mem 0x80000000-0x80007fff 64bit]
[    0.400007] pci 0000:01:00.0: ROM [mem 0x80100000-0x8010ffff pref]
[    0.400008] pci 0000:01:00.0: VF BAR 0 [mem 0x00000000-0x00007fff 64bit]
[    0.400009] pci 0000:01:00.0: VF BAR 0 [mem 0x00000000-0x001fffff 64bit]: contains BAR 0 for 64 VFs
[    0.500000] pci 0000:00:1c.0: bridge window [mem 0x00100000-0x001fffff] to [bus 01-05] requires relaxed alignment rules
[    0.500001] pci 0000:01:00.0: VF BAR 0 [mem size 0x00200000 64bit]: can't assign; no space
[    0.500002] pci 0000:00:1c.0: PCI bridge to [bus 01-05]
[    0.500003] pci 0000:00:1c.0:   bridge window [mem 0x90000000-0x901fffff]
[    1.000000] pcieport 0000:00:1c.0: pciehp: Slot #0 AttnBtn- PwrCtrl- MRL- AttnInd- PwrInd- HotPlug+ Surprise+
[    1.100000] nvme 0000:01:00.0: enabling device (0000 -> 0002)
"""

OLD_LOG = """\
Oct  7 17:49:30 host kernel: [    0.000000]  BIOS-e820: 0000000000100000 - 0000000040000000 (usable)
Oct  7 17:49:30 host kernel: [    0.300000] pci_bus 0000:00: root bus resource [io  0x0000-0xffff]
Oct  7 17:49:30 host kernel: [    0.300000] pci_bus 0000:00: root bus resource [mem 0x50000000-0xfebfffff]
Oct  7 17:49:30 host kernel: [    0.400000] pci 0000:00:01.0: [8086:0101] type 1 class 0x000604
Oct  7 17:49:30 host kernel: [    0.400000] pci 0000:00:1e.0: [8086:244e] type 01 class 0x060401
Oct  7 17:49:30 host kernel: [    0.400001] pci 0000:02:00.0: [10ec:8139] type 00 class 0x020000
Oct  7 17:49:30 host kernel: [    0.400002] pci 0000:02:00.0: reg 10: [io  0xd000-0xd0ff]
Oct  7 17:49:30 host kernel: [    0.400003] pci 0000:02:00.0: reg 0x14: [mem 0x50000000-0x500000ff]
Oct  7 17:49:30 host kernel: [    0.400004] pci 0000:02:00.0: reg 30: [mem 0x00000000-0x0000ffff pref]
Oct  7 17:49:30 host kernel: [    0.400005] pci 0000:00:1e.0: PCI bridge to [bus 02-02] (subtractive decode)
Oct  7 17:49:30 host kernel: [    0.400006] pci 0000:00:1e.0:   bridge window [io  0xd000-0xdfff]
Oct  7 17:49:30 host kernel: [    0.400007] pci 0000:00:1e.0:   bridge window [mem 0x50000000-0x500fffff]
Oct  7 17:49:30 host kernel: [    0.400008] pci 0000:00:1e.0:   bridge window [io  0x0000-0xffff] (subtractive decode)
Oct  7 17:49:30 host kernel: [    0.500000] pci 0000:00:1e.0: BAR 15: no space for [mem size 0x00200000 pref]
Oct  7 17:49:30 host kernel: [    0.500001] pci 0000:00:1e.0: BAR 13: can't assign io (size 0x1000)
Oct  7 17:49:30 host kernel: [    0.500002] pci 0000:02:00.0: BAR 6: no space for [mem size 0x00010000 pref]
Oct  7 17:49:30 host kernel: [    0.500003] pci 0000:02:00.0: BAR 2: failed to assign [mem size 0x00001000]
"""
