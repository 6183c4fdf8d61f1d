"""The rules C01 to C50: what a driver must do so that its BARs can move.

Facts from the conformance notes of the project (macOS IOPCIFamily, Windows rebalance, RFC v9, bug reports). Ids are stable.
"""

from __future__ import annotations

from typing import Final

from movsdk.testing.conformance.device_rules import DEVICE_RULES
from movsdk.testing.conformance.protocol_rules import PROTOCOL_RULES
from movsdk.testing.conformance.rule import Rule

RULES: Final[tuple[Rule, ...]] = (*DEVICE_RULES, *PROTOCOL_RULES)
BASE: Final = "base"  # the rule before all others: it works at all
BY_ID: Final = {rule.id: rule for rule in RULES}
