"""A limit by the clock, read and never waited for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limit:
    """So many seconds from now on."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    def spent(self) -> float:
        """The share of the time that is gone, 1 or more when it is over."""
        return (time.monotonic() - self.began) / self.seconds

    def left(self) -> float:
        """The seconds that are left, at least a moment."""
        return max(self.seconds - (time.monotonic() - self.began), 0.01)
