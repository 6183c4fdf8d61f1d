"""The datasheet of the movgpu card as names: see README.md next door.

Registers live in BAR 0, VRAM in BAR 2. Offsets and sizes in bytes, registers are 4 bytes unless said otherwise.
Nothing here has behaviour.
"""

from __future__ import annotations

from typing import Final

VENDOR: Final = 0x1234
DEVICE: Final = 0x6D76
CLASS_DISPLAY: Final = 0x038000  # "other display controller": VGA class would pin the BARs

REGISTERS_BAR: Final = 0
VRAM_BAR: Final = 2
REGISTERS_SIZE: Final = 0x1_0000
BYTES_PER_PIXEL: Final = 4
ALL_ONES: Final = 0xFFFF_FFFF  # what any register reads when nobody answers

ID: Final = 0x0000  # read only
IRQ_STATUS: Final = 0x0010  # write ones to clear
IRQ_ENABLE: Final = 0x0014
VRAM_SIZE: Final = 0x0020  # 8 bytes, read only

FW_VRAM_BASE: Final = 0x0100  # 8 bytes: the bus address of this card's own BAR 2; engines and scanout go through it
FW_STATUS: Final = 0x0108  # write ones to clear

SCANOUT_CONTROL: Final = 0x0200
SCANOUT_OFFSET: Final = 0x0204  # bytes inside VRAM
SCANOUT_WIDTH: Final = 0x0208  # pixels
SCANOUT_HEIGHT: Final = 0x020C
SCANOUT_FRAMES: Final = 0x0210  # read only: frames since reset

BLIT_COMMAND: Final = 0x0300  # a write starts the engine
BLIT_STATUS: Final = 0x0304  # read only, errors: write ones to clear
BLIT_SOURCE: Final = 0x0308  # 8 bytes, inside VRAM; for a fill the 4-byte pixel
BLIT_DESTINATION: Final = 0x0310  # 8 bytes, inside VRAM
BLIT_LENGTH: Final = 0x0318  # bytes, a multiple of 4

IDENTITY: Final = 0x6D76_0001

IRQ_VBLANK: Final = 0x1
IRQ_BLIT: Final = 0x2

FW_FAULT: Final = 0x1  # an engine or the scanout missed VRAM, because FW_VRAM_BASE is not where BAR 2 is

SCANOUT_ON: Final = 0x1

BLIT_COPY: Final = 0x1
BLIT_FILL: Final = 0x2

BLIT_BUSY: Final = 0x1
BLIT_ERROR: Final = 0x2  # refused: a range leaves VRAM, an unknown command, or the engine was busy
