"""Fraud scenarios, one module each with its benign twin; a new one is a module and a row in SCENARIOS."""

from __future__ import annotations

from txpipe.simulate.scenarios import listed_payment
from txpipe.simulate.scenarios.base import Scenario

SCENARIOS: tuple[Scenario, ...] = (listed_payment.SCENARIO,)
"""Every scenario, in the order in which their random streams are made; append only."""
