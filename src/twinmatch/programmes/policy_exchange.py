"""Policy exchange: groups around a named national or European policy need.

Presenting cities show the levers that others say they lack; the groups are made as discussion groups are, by the
same flows under the same rules. A national need gathers cities of its countries only.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from twinmatch.programmes.base import Band, Load
from twinmatch.programmes.discussion_groups import DiscussionGroups
from twinmatch.schema import Role


class PolicyExchange(DiscussionGroups):
    """Cities that present and cities that share a policy need; a need is a theme, national where it names countries."""

    LOADS: ClassVar[dict[str, Load]] = {
        "lead": Load(hours=2, trips=1, tasks=1),
        "member": Load(hours=1, trips=1),
    }
    PRODUCT: ClassVar[str] = "policy_exchange"

    title: str = Field("Policy exchange", min_length=1)
    leads: Band = (1, 3)
    """Presenting cities of a group: at least, at most"""
    lead_roles: tuple[Role, ...] = Field((Role.MISSION, Role.PILOT), min_length=1)
    """Cities with one of these roles present"""
    size: Band = (5, 30)
    """Cities of a group, presenting ones included"""
    groups_per_city: int = Field(2, ge=1, le=10)
    """Groups that a city is in, at most"""

    @model_validator(mode="after")
    def _policies(self) -> PolicyExchange:
        for need in self.themes:
            if not need.levers:
                raise ValueError(f"the policy need {need.id!r} names no lever")
        return self
