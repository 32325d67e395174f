"""The rules: one module each, one row each in RULES or CONDUCT."""

from __future__ import annotations

from txpipe.detect.finding import Rule
from txpipe.detect.rules.approval_phishing import ApprovalPhishing
from txpipe.detect.rules.counterfeit_token import CounterfeitToken
from txpipe.detect.rules.cycle import Cycle
from txpipe.detect.rules.dormant import Dormant
from txpipe.detect.rules.drain import Drain
from txpipe.detect.rules.exposure import Exposure
from txpipe.detect.rules.listed import Listed
from txpipe.detect.rules.mention import Mention
from txpipe.detect.rules.mixer import Mixer
from txpipe.detect.rules.outlier import Outlier
from txpipe.detect.rules.pass_through import PassThrough
from txpipe.detect.rules.peel_chain import PeelChain
from txpipe.detect.rules.poisoned_payment import PoisonedPayment
from txpipe.detect.rules.poisoning import Poisoning
from txpipe.detect.rules.scatter_gather import ScatterGather
from txpipe.detect.rules.structuring import Structuring
from txpipe.detect.rules.velocity import Velocity
from txpipe.detect.rules.wash_trading import WashTrading
from txpipe.detect.watch import ConductRule

RULES: tuple[Rule, ...] = (Listed(), Mention())
"""The rules about lists, in the order in which they look at a record."""

CONDUCT: tuple[type[ConductRule], ...] = (
    Dormant,
    Drain,
    Outlier,
    Structuring,
    Velocity,
    Poisoning,
    PoisonedPayment,
    CounterfeitToken,
    ApprovalPhishing,
    Exposure,
    Mixer,
    PassThrough,
    PeelChain,
    ScatterGather,
    Cycle,
    WashTrading,
)
"""The rules about conduct, in the order in which they look at a movement; append only."""
