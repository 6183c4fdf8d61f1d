"""IoMem: accesses reach the register they are meant for."""

from __future__ import annotations

import pytest

from movsdk.errors import AccessFault, MappingClosed, PciError
from movsdk.points import install, mentioned
from tests.kernel.rig import MEM_START, Card, Rig


@pytest.mark.parametrize(
    ("bar", "size"),
    [
        pytest.param(bar, size, id=f"BAR {bar} {size} bytes")
        for bar in (0, 2, 4)
        for size in (1, 2, 4, 8)
        if (bar, size) != (4, 8)
    ],
)
def test_a_write_is_read_back(bar: int, size: int) -> None:
    """Values travel in the kernel's argument order, little endian, cut to the width of the access; ports work as memory does."""
    regs = Rig.of(Card()).dev().iomap(bar)
    suffix = {1: "b", 2: "w", 4: "l", 8: "q"}[size]

    getattr(regs, f"write{suffix}")(0x1122_3344_5566_7788_99AA, 0x10)

    assert getattr(regs, f"read{suffix}")(0x10) == 0x1122_3344_5566_7788_99AA & (1 << 8 * size) - 1


def test_bulk_copies_and_fill() -> None:
    """memcpy and memset move bytes, in memory and in ports alike."""
    dev = Rig.of(Card()).dev()
    vram, ports = dev.iomap(2, offset=0x1000, wc=True), dev.iomap(4)

    vram.memcpy_toio(0x10, b"picture")
    vram.memset_io(0x20, 0xAB, 3 << 8)
    ports.memcpy_toio(0, b"ab")

    assert vram.memcpy_fromio(0x10, 7) == b"picture"
    assert vram.memcpy_fromio(0x20, 3 << 8) == b"\xab" * (3 << 8)
    assert ports.memcpy_fromio(0, 2) == b"ab"
    assert vram.memcpy_fromio(0, 0) == b""
    assert vram.wc
    assert not ports.wc


def test_a_mapping_knows_where_it_is() -> None:
    """`start` is the BAR's address, also of a mapping that begins further on; `size` what is mapped."""
    regs = Rig.of(Card()).dev().iomap(0, offset=0x100, length=0x80)

    assert (regs.bar, regs.start, regs.address, regs.size) == (0, MEM_START + 0x10_0000, MEM_START + 0x10_0100, 0x80)
    assert str(regs) == "mapping of card1 (0000:00:01.0) BAR 0 [0xe0100100-0xe010017f]"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param((1, 0, None), "it has no BAR 1; see dev.resources", id="no such BAR"),
        pytest.param((6, 0, None), "there is no BAR 6; BARs are 0 to 5", id="ROM"),
        pytest.param((0, 0x1000, None), "offset 0x1000 and length 0x0 do not fit BAR 0 of 0x1000 bytes", id="offset"),
        pytest.param((0, 0x10, 0x1000), "offset 0x10 and length 0x1000 do not fit BAR 0", id="length"),
    ],
)
def test_iomap_refuses_what_is_not_there(arguments: tuple[int, int, int | None], text: str) -> None:
    """The refusal is EINVAL and names the BAR and the numbers."""
    dev = Rig.of(Card()).dev()

    with pytest.raises(PciError) as caught:
        dev.iomap(*arguments)

    assert str(caught.value).startswith("[EINVAL] card1 (0000:00:01.0): cannot map: ")
    assert text in str(caught.value)


def test_an_unassigned_bar_cannot_be_mapped() -> None:
    """EINVAL names the BAR, its size and the remedy."""
    rig = Rig.of(Card())
    rig.lose(0)

    with pytest.raises(PciError, match=r"BAR 0 of 0x1000 bytes is not assigned; make room for it"):
        rig.dev(enabled=False).iomap(0)


def test_a_closed_mapping_faults_and_reaches_nothing() -> None:
    """The fault names where it was closed; closing twice is noted, not raised."""
    rig = Rig.of(Card())
    regs = rig.dev().iomap(0)

    regs.iounmap()
    regs.iounmap()

    assert regs.closed
    with pytest.raises(MappingClosed, match=r"writel of BAR 0 \+ 0x4 .* that was closed at tests/kernel/test_mmio.py:\d+; iomap"):
        regs.writel(1, 4)
    assert rig.models["card1"].registers == {}
    assert rig.timeline("closed twice")


@pytest.mark.parametrize("offset", [-4, 0xFFD, 0x1000])
def test_an_access_beyond_the_mapping_faults(offset: int) -> None:
    """The last byte must lie inside."""
    regs = Rig.of(Card()).dev().iomap(0)

    with pytest.raises(AccessFault, match="of 4 bytes beyond the mapping, which has 0x1000 bytes"):
        regs.readl(offset)


def test_accesses_are_announced_with_the_belief_they_depend_on() -> None:
    """An explorer hears of each before it happens; the silicon's footprint follows."""
    rig = Rig.of(Card())
    regs = rig.dev().iomap(0)
    heard: list[tuple[str, list[object], list[object]]] = []
    before = install(
        lambda label, reads, writes, guard: None if guard is mentioned else heard.append((label, list(reads), list(writes)))
    )
    try:
        regs.writel(1, 0x10)
        regs.memcpy_fromio(0, 8)
    finally:
        install(before)

    assert [label for label, _, _ in heard if label.startswith("card1")] == [
        "card1 writel BAR 0 + 0x10",
        "card1 memcpy_fromio BAR 0 + 0x0",
    ]
    device = rig.device()
    assert heard[0][1] == [("paused", device.label), ("generation", device.label, 0), ("mapping", device.label, 0)]
