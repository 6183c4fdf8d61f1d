"""The medium behind the model: sparse blocks, and a volatile write cache in front of them.

Twin: the medium of a drive with a volatile write cache (NVM Express 1.4 §6.8). Knows no commands. Blocks never written read as
zeros.
"""

from __future__ import annotations

from attrs import define, field

from .regs import BLOCK

_ZEROS = bytes(BLOCK)


@define(eq=False)
class BlockStore:
    """`blocks` blocks of 512 bytes. A write is durable after `flush()`; `lose_cache()` is what power loss does.

    >>> store = BlockStore(8)
    >>> store.write(2, b"x" * 512); store.lose_cache(); store.read(2, 1) == bytes(512)
    True
    """

    blocks: int
    _medium: dict[int, bytes] = field(factory=dict, init=False, repr=False)
    _cache: dict[int, bytes] = field(factory=dict, init=False, repr=False)

    def holds(self, lba: int, blocks: int) -> bool:
        """True if the range lies on the medium."""
        return lba + blocks <= self.blocks

    def read(self, lba: int, blocks: int) -> bytes:
        """Return the newest content of `blocks` blocks from `lba` on."""
        cache, medium = self._cache, self._medium
        return b"".join(cache.get(n) or medium.get(n, _ZEROS) for n in range(lba, lba + blocks))

    def write(self, lba: int, content: bytes) -> None:
        """Put whole blocks into the cache."""
        for n in range(len(content) // BLOCK):
            self._cache[lba + n] = content[n * BLOCK : (n + 1) * BLOCK]

    def flush(self) -> None:
        """Make everything written so far durable."""
        self._medium.update(self._cache)
        self._cache.clear()

    def lose_cache(self) -> None:
        """Power went away: what was not flushed is gone."""
        self._cache.clear()

    @property
    def dirty(self) -> int:
        """Blocks that power loss would lose."""
        return len(self._cache)
