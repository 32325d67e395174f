"""Honest stories of several transactions that the background holds, and how much of it they are."""

from __future__ import annotations

from txpipe.simulate import business, issuing, personal, trading
from txpipe.simulate.casting import Story

STORIES: tuple[Story, ...] = (
    Story("payroll", business.payroll, 100),
    Story("treasury", business.treasury, 60),
    Story("new-hot-wallet", business.new_hot_wallet, 40),
    Story("airdrop", business.airdrop, 6),
    Story("small-airdrop", business.small_airdrop, 40),
    Story("dust", business.dust, 40),
    Story("subscription", business.subscription, 120),
    Story("launch", business.launch, 60),
    Story("rush", trading.rush, 80),
    Story("mint-bot", trading.mint_bot, 30),
    Story("savings", trading.savings, 60),
    Story("arrival", personal.arrival, 400),
    Story("migration", personal.migration, 40),
    Story("vanity", personal.vanity, 30),
    Story("shop-addresses", personal.shop_addresses, 10),
    Story("stranger", personal.stranger, 20),
    Story("homecoming", personal.homecoming, 4),
    Story("own-exchange", personal.own_exchange, 30),
    Story("yearly", personal.yearly, 30),
    Story("solved", trading.solved, 40),
    Story("launch-token", issuing.launch_token, 50),
)
"""Every story and how many of 10,000 transactions are its own; append only, so that random streams stay."""
