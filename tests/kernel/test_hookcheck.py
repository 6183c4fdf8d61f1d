"""Drivers: what counts as one, and how a class that does not is refused."""

from __future__ import annotations

import pytest

from movsdk import hookimpl
from movsdk.errors import HookSpecError
from movsdk.hooks import HOOKS, PciId
from movsdk.kernel.binding import BoundDriver, register_driver
from movsdk.kernel.pcidev import PciDev
from tests.kernel.rig import EDU, Card, Rig, driver_of


def test_bare_methods_named_as_hooks_count() -> None:
    """No decorator, no base class; attributes and helpers do not matter."""

    def answer(self: object, dev: PciDev, bar: int) -> bool:
        return bar == 2

    bound = BoundDriver.of(driver_of(bar_fixed=answer, rescan_done=lambda self, dev: None, resume_queues=lambda self, n: n, x=1))

    assert bound.hooks == {"probe", "bar_fixed", "rescan_done"}
    assert [hook for hook in HOOKS if bound.has(hook)] == ["probe", "rescan_done", "bar_fixed"]
    device = Rig.of(Card()).device()
    assert bound.call("bar_fixed", dev=device, bar=2) is True
    assert bound.call("rescan_prepare", dev=device) is None


def test_decorated_methods_count_too() -> None:
    """@hookimpl works, also to give a hook another name."""

    class Marked:
        name, id_table = "marked", EDU

        @hookimpl
        def probe(self, dev: PciDev, id: PciId) -> None:
            """Take anything."""

        @hookimpl(specname="rescan_done")
        def wake(self, dev: PciDev) -> str:
            return f"woke {dev.name}"

    bound = BoundDriver.of(Marked())

    assert bound.hooks == {"probe", "rescan_done"}
    assert bound.call("rescan_done", dev=Rig.of(Card()).device()) == "woke 0000:00:01.0"


def test_static_and_inherited_hooks_and_a_hook_set_to_none() -> None:
    """Python's own ways to share or to take back a method work."""
    base = driver_of(remove=lambda self, dev: None, rescan_done=staticmethod(lambda dev: 7))
    bound = BoundDriver.of(type("Child", (base,), {"remove": None}))

    assert bound.hooks == {"probe", "rescan_done"}
    assert bound.call("rescan_done", dev=Rig.of(Card()).device()) == 7


@pytest.mark.parametrize(
    ("method", "hook"),
    [
        ("rescan_prepair", "rescan_prepare"),
        ("rescan_prepare_", "rescan_prepare"),
        ("rescanPrepare", "rescan_prepare"),
        ("resan_done", "rescan_done"),
        ("bars_fixed", "bar_fixed"),
        ("bar_is_fixed", "bar_fixed"),
        ("removed", "remove"),
        ("shut_down", "shutdown"),
        ("Suspend", "suspend"),
    ],
)
def test_a_misspelt_hook_is_refused(method: str, hook: str) -> None:
    """The message names the driver, the method and the nearest hook."""
    with pytest.raises(HookSpecError) as caught:
        BoundDriver.of(driver_of(**{method: lambda self, dev: None}))

    assert str(caught.value).startswith(f"driver 'edu' (Edu): {method}() looks like the hook {hook}() misspelt")
    assert caught.value.fields["nearest"] == hook


@pytest.mark.parametrize("name", ["resume_queues", "resume_io", "suspend_hw", "reset", "remote", "prepare", "resize", "_removed"])
def test_a_helper_is_no_misspelt_hook(name: str) -> None:
    """A hook's name with a further word, or one that only shares letters, is the driver's own business."""
    assert BoundDriver.of(driver_of(**{name: lambda self: None})).hooks == {"probe"}


def test_a_near_miss_beside_the_real_hook_is_a_helper() -> None:
    """An English word like `removed` has a meaning of its own."""
    bound = BoundDriver.of(driver_of(remove=lambda self, dev: None, removed=lambda self: None))

    assert bound.hooks == {"probe", "remove"}


@pytest.mark.parametrize(("method", "hook"), [("rescan_prepair", "rescan_prepare"), ("rescan_dones", "rescan_done")])
def test_a_misspelt_twin_of_a_hook_of_two_words_is_refused(method: str, hook: str) -> None:
    """Two words are no accident: the right one stands for an older version, or was copied."""
    driver = driver_of(**{hook: lambda self, dev: None, method: lambda self, dev: None})

    with pytest.raises(HookSpecError, match=rf"{method}\(\) looks like the hook {hook}\(\) misspelt"):
        BoundDriver.of(driver)


@pytest.mark.parametrize(
    ("hook", "method", "text"),
    [
        ("rescan_prepare", lambda self: None, "rescan_prepare() must take the arguments (dev): 'dev' is missing"),
        (
            "rescan_done",
            lambda self, device: None,
            "rescan_done(device) must take the arguments (dev): 'dev' is missing, 'device' is not one of them",
        ),
        ("bar_fixed", lambda self, dev: None, "bar_fixed(dev) must take the arguments (dev, bar): 'bar' is missing"),
        ("probe", lambda self, dev, id, x: None, "probe(dev, id, x) must take the arguments (dev, id): 'x' is not one of them"),
        (
            "probe",
            lambda self, dev, id=None: None,
            "probe(dev, id=None) must take the arguments (dev, id): 'id' must be a plain argument without a default",
        ),
        (
            "suspend",
            lambda self, dev, *, state: None,
            "suspend(dev, *, state) must take the arguments (dev, state): 'state' must be a plain argument without a default",
        ),
        ("remove", lambda self, *rest: None, "remove(*rest) must take the arguments (dev): 'dev' is missing"),
        ("remove", 5, "remove is 5, not a method"),
    ],
)
def test_wrong_arguments_are_refused(hook: str, method: object, text: str) -> None:
    """The message shows what is there and what the kernel passes."""
    with pytest.raises(HookSpecError) as caught:
        BoundDriver.of(driver_of(**{hook: method}))

    assert str(caught.value) == f"driver 'edu' (Edu): {text}"


def test_extra_arguments_with_defaults_and_another_order_are_fine() -> None:
    """Arguments go by name."""
    bound = BoundDriver.of(driver_of(bar_fixed=lambda self, bar, dev, why="": (bar, dev.name, why)))

    assert bound.call("bar_fixed", dev=Rig.of(Card()).device(), bar=4) == (4, "0000:00:01.0", "")


def test_a_coroutine_is_no_hook() -> None:
    """Hooks are plain functions, so that a driver reads as its C twin."""

    async def remove(self: object, dev: PciDev) -> None:
        """Never runs."""

    with pytest.raises(HookSpecError, match=r"remove is a coroutine or a generator; hooks are plain functions"):
        BoundDriver.of(driver_of(remove=remove))


def test_a_marked_method_that_is_no_hook_is_refused() -> None:
    """@hookimpl on a name that the spec does not have."""
    with pytest.raises(HookSpecError, match=r"prepare_rescan\(\) is marked @hookimpl, but there is no hook .* did you mean"):
        BoundDriver.of(driver_of(prepare_rescan=hookimpl(lambda self, dev: None)))


class NeedsArgument:
    """A driver that cannot be made without one."""

    name, id_table = "needy", EDU

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Take anything."""


@pytest.mark.parametrize(
    ("driver", "text"),
    [
        pytest.param(driver_of(name=""), "driver Edu needs `name`, a text such as \"edu\"; it has ''", id="empty name"),
        pytest.param(driver_of(name=7), 'driver Edu needs `name`, a text such as "edu"; it has 7', id="number as name"),
        pytest.param(driver_of(id_table=None), "driver 'edu' (Edu) needs `id_table`, a list of PciId", id="no table"),
        pytest.param(
            driver_of(id_table=[(1, 2)]), "row (1, 2) of id_table is not a PciId; write PciId(vendor, device)", id="row"
        ),
        pytest.param(
            driver_of(probe=None), "driver 'edu' (Edu) has no probe(self, dev, id); every driver needs one", id="no probe"
        ),
        pytest.param(NeedsArgument, "driver class NeedsArgument cannot be created without arguments", id="class with arguments"),
        pytest.param(object(), "driver object needs `name`", id="no driver at all"),
    ],
)
def test_what_is_no_driver_is_refused(driver: object, text: str) -> None:
    """One line that says what is missing."""
    with pytest.raises(HookSpecError) as caught:
        BoundDriver.of(driver)

    assert text in str(caught.value)


def test_an_instance_may_need_arguments() -> None:
    """The class alone would not do."""
    assert BoundDriver.of(NeedsArgument(3)).name == "needy"


def test_a_property_is_not_run_by_the_checks() -> None:
    """Registration looks at the class, so that a property may need a device first."""

    def explode(self: object) -> None:
        raise AssertionError("the property ran")

    assert BoundDriver.of(driver_of(speed=property(explode))).hooks == {"probe"}


def test_each_driver_has_its_own_manager() -> None:
    """A call reaches exactly one driver, however many there are."""
    rig = Rig.of(Card())
    one, two = (register_driver(rig.system, driver_of(bar_fixed=lambda self, dev, bar, k=k: k)) for k in (1, 2))

    assert one.manager is not two.manager
    assert [driver.call("bar_fixed", dev=rig.device(), bar=0) for driver in (one, two)] == [1, 2]
    assert rig.system.drivers == [one, two]
    assert register_driver(rig.system, one) is one
