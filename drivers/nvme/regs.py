"""The NVMe datasheet as names: registers, commands, status codes, and the layout of queue entries.

Source: NVM Express Base Specification 1.4, §3 (registers), §4 (queues), §5 (admin commands), §6 (NVM commands).
Shared by driver and model; nothing here has behaviour. Offsets and sizes in bytes, fields little endian.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final

CLASS_NVME: Final = 0x010802
VENDOR: Final = 0x1B36
DEVICE: Final = 0x0010

# --- controller registers (BAR 0) ----------------------------------------------------------------
CAP: Final = 0x00  # 8 bytes, read only
VS: Final = 0x08
INTMS: Final = 0x0C  # write ones to mask; reads show the mask. Not used with MSI-X
INTMC: Final = 0x10  # write ones to unmask
CC: Final = 0x14
CSTS: Final = 0x1C
AQA: Final = 0x24
ASQ: Final = 0x28  # 8 bytes
ACQ: Final = 0x30  # 8 bytes
REGISTERS_END: Final = 0x38
DOORBELLS: Final = 0x1000
MSIX_TABLE: Final = 0x2000  # where this controller puts it by default; a driver asks the capability, not this page
MSIX_PBA: Final = 0x3000
BAR_SIZE: Final = 0x4000

VERSION_1_4: Final = 0x0001_0400

CAP_MQES: Final = 0xFFFF  # most entries of a queue, minus one
CAP_CQR: Final = 1 << 16
CAP_TO_SHIFT: Final = 24  # 8 bits: how long RDY may take, in CAP_TO_UNIT_MS
CAP_TO_UNIT_MS: Final = 500
CAP_DSTRD_SHIFT: Final = 32  # 4 bits: doorbells are 4 << DSTRD bytes apart
CAP_CSS_NVM: Final = 1 << 37

CC_EN: Final = 1 << 0
CC_SHN_MASK: Final = 3 << 14
CC_SHN_NORMAL: Final = 1 << 14
CC_IOSQES: Final = 6 << 16  # I/O submission entries are 2**6 bytes
CC_IOCQES: Final = 4 << 20  # I/O completion entries are 2**4 bytes

CSTS_RDY: Final = 1 << 0
CSTS_CFS: Final = 1 << 1
CSTS_SHST_MASK: Final = 3 << 2
CSTS_SHST_OCCURRING: Final = 1 << 2
CSTS_SHST_COMPLETE: Final = 2 << 2

ALL_ONES: Final = 0xFFFF_FFFF  # what a register reads when nobody answers
PAGE: Final = 4096  # CC.MPS = 0: memory pages of 4 KiB
BLOCK: Final = 512  # LBA format 0
PRP_SIZE: Final = 8
NSID: Final = 1  # the only namespace

# --- queue entries ---------------------------------------------------------------------------------
# opcode, flags, command id, namespace, (8 reserved), metadata, PRP 1, PRP 2, dwords 10 to 15
SQE: Final = Struct("<BBHI8xQQQ6I")
# result, (reserved), submission queue head, submission queue id, command id, status with the phase in bit 0
CQE: Final = Struct("<IIHHHH")


class Admin(IntEnum):
    """Opcodes of the admin queue."""

    DELETE_SQ = 0x00
    CREATE_SQ = 0x01
    DELETE_CQ = 0x04
    CREATE_CQ = 0x05
    IDENTIFY = 0x06
    SET_FEATURES = 0x09


class Io(IntEnum):
    """Opcodes of an I/O queue."""

    FLUSH = 0x00
    WRITE = 0x01
    READ = 0x02


class Cns(IntEnum):
    """What Identify returns (dword 10)."""

    NAMESPACE = 0
    CONTROLLER = 1
    ACTIVE_NAMESPACES = 2


FEATURE_QUEUES: Final = 7  # Set Features: number of queues, minus one, CQs in the upper half

QUEUE_CONTIGUOUS: Final = 1 << 0  # dword 11 of Create CQ and Create SQ
QUEUE_INTERRUPTS: Final = 1 << 1  # dword 11 of Create CQ; the vector is in bits 31:16

# --- Identify data ---------------------------------------------------------------------------------
IDENTIFY_SIZE: Final = 4096
ID_CTRL_HEAD: Final = Struct("<HH20s40s8s")  # VID, SSVID, serial number, model number, firmware revision
ID_CTRL_MDTS: Final = 77  # largest transfer is PAGE << MDTS bytes
ID_CTRL_NN: Final = 516  # number of namespaces, 4 bytes
ID_CTRL_VWC: Final = 525  # bit 0: has a volatile write cache
ID_NS_NSZE: Final = 0  # size in blocks, 8 bytes
ID_NS_LBAF0: Final = 128  # bits 23:16: log2 of the block size


class Status(IntEnum):
    """Status type and code of a completion: bits 8 to 10 and 0 to 7 (the entry holds it shifted left by one)."""

    SUCCESS = 0x000
    INVALID_OPCODE = 0x001
    INVALID_FIELD = 0x002
    TRANSFER_ERROR = 0x004
    INVALID_NAMESPACE = 0x00B
    LBA_OUT_OF_RANGE = 0x080
    CQ_INVALID = 0x100
    QID_INVALID = 0x101
    QUEUE_SIZE_INVALID = 0x102
    VECTOR_INVALID = 0x108
    DELETION_INVALID = 0x10C


def sq_doorbell(queue: int, stride: int) -> int:
    """Return the offset of the tail doorbell of submission queue `queue`; `stride` is CAP.DSTRD.

    >>> hex(sq_doorbell(1, 0)), hex(cq_doorbell(1, 0)), hex(sq_doorbell(1, 2))
    ('0x1008', '0x100c', '0x1020')
    """
    return DOORBELLS + 2 * queue * (4 << stride)


def cq_doorbell(queue: int, stride: int) -> int:
    """Return the offset of the head doorbell of completion queue `queue`; `stride` is CAP.DSTRD."""
    return DOORBELLS + (2 * queue + 1) * (4 << stride)
