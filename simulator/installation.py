"""One running KSeF besides its memory: who it is, its keys, and what can be changed while it runs.

The controls are volatile on purpose: a restart returns to what the command line said.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from simulator.crypto.bearers import Bearers
from simulator.crypto.keys import KeyRing
from simulator.faults import FaultPlan
from simulator.policy import Delays, Policy
from simulator.protocol.identifiers import Identifier
from simulator.rates import PRODUCTION, RateTable
from simulator.windows import Windows


@dataclass(slots=True)
class Controls:
    """What the admin port changes. ``list_lags`` is by context value; the key None is for all others."""

    delays: Delays = field(default_factory=Delays)
    rates: RateTable = field(default_factory=lambda: PRODUCTION)
    list_lags: dict[str | None, timedelta] = field(default_factory=dict)
    faults: FaultPlan = field(default_factory=FaultPlan)

    def list_lag(self, context: Identifier) -> timedelta:
        """How long a received invoice stays out of the lists of its open session."""
        lag = self.list_lags.get(context.value)
        return self.list_lags.get(None, timedelta()) if lag is None else lag


@dataclass(frozen=True)
class Installation:
    """``public_url`` replaces the caller's own address in presigned links when it is given."""

    policy: Policy
    keys: KeyRing
    controls: Controls = field(default_factory=Controls)
    public_url: str | None = None
    windows: Windows = field(default_factory=Windows)
    bearers: Bearers = field(init=False)

    def __post_init__(self) -> None:
        bearers = Bearers(self.keys.bearer_secret, issuer=self.policy.issuer)
        object.__setattr__(self, "bearers", bearers)
