"""The codes that a profile speaks in: domains, levers, dimensions of readiness, and topics, the finest of them.

A profile names topics under ``seeks`` and ``shows``; where it does not, a classifier suggests them from its sentences
(:mod:`twinmatch.embedding.sentences`). Codes are stored in profiles, labels and models: a code is never renamed,
and new ones are added at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from twinmatch.files import data_beside
from twinmatch.wording import raised, say

_TABLE: Final = data_beside(__file__, "topics.toml")

KINDS: Final = data_beside(__file__, "kinds.toml")
"""Kinds of cities in words: what is said of the values of each field, and traits."""


def facet_words(codes: Iterable[str]) -> str:
    """Return facets as words, with commas between; one that is not ours by its code."""
    return ", ".join(KINDS["facets"].get(code, code) for code in codes)


BLOCKS: Final[dict[str, dict[str, Any]]] = data_beside(__file__, "blocks.toml")
"""The blocks of a profile by name: in words, what is open while one is not known, the question that fills it."""


class Domain(StrEnum):
    """Where emissions are cut. ``stationary_energy`` is the wider of the programme's two vocabularies."""

    BUILT_ENVIRONMENT = "built_environment"
    ENERGY_SYSTEMS = "energy_systems"
    STATIONARY_ENERGY = "stationary_energy"
    MOBILITY_TRANSPORT = "mobility_transport"
    WASTE_CIRCULAR_ECONOMY = "waste_circular_economy"
    INDUSTRY = "industry"
    NATURE_BASED_SOLUTIONS = "nature_based_solutions"


class Lever(StrEnum):
    """What moves a transition in every domain."""

    CULTURE_BEHAVIOUR = "culture_behaviour"
    DATA_DIGITALISATION = "data_digitalisation"
    DEMOCRACY_PARTICIPATION = "democracy_participation"
    FINANCE_FUNDING = "finance_funding"
    GOVERNANCE_POLICY = "governance_policy"
    LEARNING_CAPABILITIES = "learning_capabilities"
    PROCUREMENT = "procurement"
    REGULATION_NATIONAL = "regulation_national"
    SOCIAL_INNOVATION = "social_innovation"
    TECHNOLOGY_INFRASTRUCTURE = "technology_infrastructure"


class Dimension(StrEnum):
    """A dimension of climate readiness, each on the ordinal scale 0 (absent) to 4 (at full strength)."""

    MANDATE = "mandate"
    INVENTORY = "inventory"
    TARGET = "target"
    PLAN = "plan"
    FINANCE = "finance"
    DELIVERY = "delivery"
    LEARNING = "learning"
    ECOSYSTEM = "ecosystem"
    MAINSTREAM = "mainstream"
    ADAPTATION = "adaptation"


class Topic(StrEnum):
    """A topic: its code, its wording inside a sentence, the code of its domain or lever, what it covers."""

    _ignore_ = "_code _row"

    wording: str
    area: str
    """The domain in which it cuts emissions, or the lever of change that it is part of."""
    examples: str

    def __new__(cls, code: str, wording: str, area: str, examples: str) -> Topic:
        """Return the topic of a row of the table."""
        topic = str.__new__(cls, code)
        topic._value_ = code
        topic.wording, topic.area, topic.examples = say(wording), area, examples
        return topic

    @property
    def heading(self) -> str:
        """Return the wording as a heading."""
        return raised(self.wording)

    for _code, _row in _TABLE["topics"].items():
        vars()[_code.upper()] = (_code, _row["words"], _row["area"], _row["covers"])


_NAMES: Final[dict[str, str]] = _TABLE["names"] | {topic.value: topic.wording for topic in Topic}
NAMES: Final[dict[str, str]] = {code: say(text) for code, text in _NAMES.items()}
"""The words that people read for each code of a domain, lever, dimension of readiness or topic."""
IN_TEXT: Final = NAMES | {"built_environment": say("the built environment")}
"""The same as they stand within a sentence."""
