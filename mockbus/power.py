"""Power states of a function, D0 to D3hot, as its power management capability switches them.

Twin: PCI PM 1.2 §5.4 and §8. Outside D0 only config cycles are answered. Back from D3hot the function is reset unless
No_Soft_Reset says otherwise. D3cold is `Function.power_off`. Time a transition takes is the kernel's to wait, not modelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import define, field

from movsdk.pci_regs import PM_CTRL, PM_CTRL_NO_SOFT_RESET, PM_CTRL_STATE_MASK, PM_PMC, PowerState

if TYPE_CHECKING:
    from mockbus.function import Function

PMC_D1: Final = 0x0200
PMC_D2: Final = 0x0400
PM_CTRL_MASK: Final = 0x1F03  # state, PME enable, data select
PM_CTRL_PME_STATUS: Final = 0x8000


@define(eq=False)
class PowerControl:
    """The power management capability at `offset`."""

    function: Function = field(repr=False)
    offset: int

    def __attrs_post_init__(self) -> None:
        control = self.offset + PM_CTRL
        self.function.config.permit(control, 2, mask=PM_CTRL_MASK, w1c=PM_CTRL_PME_STATUS)
        self.function.watch(control & ~3, self._written)

    @property
    def state(self) -> PowerState:
        """The state that the control register names."""
        return PowerState(self.function.config.read(self.offset + PM_CTRL, 2) & PM_CTRL_STATE_MASK)

    def _written(self, _written: int, changed: int) -> None:
        if not changed & PM_CTRL_STATE_MASK:
            return
        config = self.function.config
        control = config.read(self.offset + PM_CTRL, 2)
        wanted, before = self.state, self.function.power
        if not self._supports(wanted):  # an unsupported state is ignored, the write completes (PM 1.2 §3.2.4)
            config.put(self.offset + PM_CTRL, 2, control & ~PM_CTRL_STATE_MASK | before)
        elif before is PowerState.D3HOT and not control & PM_CTRL_NO_SOFT_RESET:
            self.function.reset()
        else:
            self.function.set_power(wanted)

    def _supports(self, state: PowerState) -> bool:
        capabilities = self.function.config.read(self.offset + PM_PMC, 2)
        if state is PowerState.D1:
            return bool(capabilities & PMC_D1)
        if state is PowerState.D2:
            return bool(capabilities & PMC_D2)
        return True
