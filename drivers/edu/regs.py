"""The datasheet of the edu card as names: see README.md next door.

All registers live in BAR 0. Offsets and sizes in bytes. Nothing here has behaviour.
"""

from __future__ import annotations

from typing import Final

VENDOR: Final = 0x1234
DEVICE: Final = 0x11E8
BAR_SIZE: Final = 0x10_0000

IDENTIFICATION: Final = 0x00  # read only
LIVENESS: Final = 0x04  # write x, read ~x
FACTORIAL: Final = 0x08  # write n, read n! (32 bits) once COMPUTING is clear
STATUS: Final = 0x20
IRQ_STATUS: Final = 0x24  # read only: reasons not yet acknowledged
IRQ_RAISE: Final = 0x60  # write only: add reasons and interrupt
IRQ_ACK: Final = 0x64  # write only: remove reasons
DMA_SOURCE: Final = 0x80
DMA_DESTINATION: Final = 0x88
DMA_COUNT: Final = 0x90
DMA_COMMAND: Final = 0x98

IDENTITY: Final = 0x0100_00ED

STATUS_COMPUTING: Final = 0x01  # read only
STATUS_IRQ_WHEN_DONE: Final = 0x80

IRQ_FACTORIAL: Final = 0x001
IRQ_DMA: Final = 0x100

DMA_START: Final = 0x1  # stays set while the transfer runs
DMA_FROM_CARD: Final = 0x2  # clear: host memory to card buffer
DMA_IRQ_WHEN_DONE: Final = 0x4

DMA_BUFFER: Final = 0x4_0000  # how the card's own buffer is named in DMA_SOURCE or DMA_DESTINATION
DMA_BUFFER_SIZE: Final = 0x1000
DMA_ADDRESS_BITS: Final = 28
