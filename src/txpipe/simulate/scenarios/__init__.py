"""Fraud scenarios, one module each with its benign twin; a new one is a module and a row in SCENARIOS."""

from __future__ import annotations

from txpipe.simulate.scenarios import (
    approval_phishing,
    counterfeit_token,
    cycle,
    dormant,
    drain,
    exposure,
    listed_payment,
    mixer,
    outlier,
    pass_through,
    peel_chain,
    poisoned_payment,
    poisoning,
    scatter_gather,
    structuring,
    velocity,
    wash_trading,
)
from txpipe.simulate.scenarios.base import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    listed_payment.SCENARIO,
    poisoning.SCENARIO,
    poisoned_payment.SCENARIO,
    counterfeit_token.SCENARIO,
    approval_phishing.SCENARIO,
    drain.SCENARIO,
    dormant.SCENARIO,
    outlier.SCENARIO,
    velocity.SCENARIO,
    mixer.SCENARIO,
    exposure.SCENARIO,
    structuring.SCENARIO,
    pass_through.SCENARIO,
    peel_chain.SCENARIO,
    scatter_gather.SCENARIO,
    cycle.SCENARIO,
    wash_trading.SCENARIO,
)
"""Every scenario, in the order in which their random streams are made; append only."""
