"""The words of every export for codes (facets, products, roles, rules, blocks of a profile), and the form of address."""

from __future__ import annotations

import re
from typing import Final

from twinmatch.files import data_beside
from twinmatch.proposal import Product
from twinmatch.schema import NAMES
from twinmatch.wording import Said, count, own_words, raised, say, titled, with_parts

FACETS: dict[str, str] = {
    "wishes": say("Stated wishes"),
    "challenges_met": say("Challenges met by strengths"),
    "levers_met": say("Levers of change met"),
    "topics_met": say("Topics sought and shown"),
    "same_words": say("The same words"),
    "shared_topics": say("Shared topics"),
    "needs_offers": say("Needs met by offers"),
    "needs_answered": say("Needs answered better than others'"),
    "returns": say("What flows back to the host"),
    "readiness_step": say("A step ahead in readiness"),
    "stuck_step": say("Ahead where the guest is stuck"),
    "readiness": say("Climate readiness"),
    "emissions_mix": say("Mix of emissions"),
    "emissions_level": say("Level of emissions"),
    "shared_challenges": say("Shared challenges"),
    "shared_levers": say("Shared levers of change"),
    "shared_needs": say("Shared needs"),
    "language": say("Language"),
    "nearness": say("Nearness"),
    "context": say("Context of the city"),
    "theme": say("Theme"),
    "country": say("Country"),
    "step": say("Step of the transition map"),
    "mixed_country": say("Mixed in countries"),
    "mixed_region": say("Mixed in regions of Europe"),
    "mixed_size": say("Mixed in sizes of city"),
    "mixed_readiness": say("Mixed in stages of readiness"),
    "mixed_mission": say("Mission Cities and others"),
    "mixed_newcomer": say("Newcomers and others"),
}

PRODUCTS: dict[str, str] = {
    "twinning": say("Twinning"),
    "discussion_groups": say("Discussion groups"),
    "national_clusters": say("National clusters"),
    "city_panels": say("City panels"),
    "study_visits": say("Study visits"),
    "policy_exchange": say("Policy exchange"),
    "world_cafe": say("World café"),
}

NOUNS: dict[str, tuple[str, str]] = {
    "twinning": ("twinning pair", "twinning pairs"),
    "discussion_groups": ("discussion group", "discussion groups"),
    "national_clusters": ("national cluster", "national clusters"),
    "city_panels": ("city panel", "city panels"),
    "study_visits": ("study visit", "study visits"),
    "policy_exchange": ("policy group", "policy groups"),
    "world_cafe": ("café", "cafés"),
}
"""What one meeting of a product is called, and several."""

ROLES: dict[str, str] = {
    "host": say("Host"),
    "guest": say("Guest"),
    "lead": say("Lead city"),
    "member": say("Member"),
    "mission": say("Mission City"),
    "pilot": say("Pilot City"),
}
"""Roles in a meeting and in the programme; ``guest`` is read alike in both."""

RULES: dict[str, str] = {
    "kept": say("Kept"),
    "binding": say("Kept, and at its limit"),
    "broken": say("Broken"),
    "relaxed": say("Relaxed"),
}

BLOCKS: dict[str, str] = {
    "levers_needed": say("Levers needed"),
    "levers_offered": say("Levers offered"),
}


RULE_NAMES: dict[str, str] = {
    name: say(name)
    for name in (
        *("anchor", "cities per country", "audience", "a seat each"),
        *("countries of a theme", "fill", "host topics", "hosts per guest"),
        *("known cities", "known enough", "new faces", "new tables"),
        *("once in a meeting", "one group of a theme", "one host a need", "one visit a city"),
        *("refused before", "seats", "guests per host", "one host each"),
        *("places", "once hosting", "another country", "locks"),
        *("bans", "past pairs", "refusals", "evidence gate"),
        *("load", "group size", "leads", "themes"),
        *("one group each", "shared challenge", "cluster size", "one cluster each"),
        *("country first", "never joined", "one visit each", "visits per host"),
        *("visitors", "hosts", "theme", "sizes"),
        *("one panel each", "wishes", "language"),
    )
}
"""Names of rules that programmes have from the start, in words."""


def humanise(code: str) -> str:
    """Return a code as words: underscores replaced, the first letter raised."""
    found = NAMES.get(code) or RULE_NAMES.get(code) or titled(code.replace("_", " ").strip())
    return raised(found)


def facet_title(code: str) -> str:
    """Return the title of a facet; an unknown code is read as words."""
    return FACETS.get(code) or humanise(code)


def product_title(product: Product) -> str:
    """Return the title of a product: its own, or that of its code."""
    own = PRODUCTS.get(product.product, "")
    return (own if product.title in ("", own) else product.title) or humanise(product.product)


def block_title(code: str) -> str:
    """Return the title of a block of a city's profile."""
    return BLOCKS.get(code) or humanise(code)


def role_word(code: str) -> str:
    """Return the word for a role in a meeting or in the programme."""
    return ROLES.get(code) or humanise(code)


def rule_word(status: str) -> str:
    """Return how the answer stands to a rule, in words."""
    return RULES.get(status) or humanise(status)


def meetings_counted(product: Product) -> str:
    """Return the number of a product's meetings with their noun, such as ``30 twinning pairs``."""
    return nouns_counted(len(product.meetings), product.product)


def nouns_counted(n: int, product: str, article: bool = False) -> str:
    """Return a number of meetings of a product with their noun, one alone with its article where that is wanted."""
    one, several = NOUNS.get(product, ("meeting", "meetings"))
    if article and n == 1:
        return say("a {noun}", noun=say(one))
    return count(n, one, several)


YOURS: Final[dict[str, dict[str, str]]] = data_beside(__file__, "yours.toml")
"""What is said of a city as it is said to it: by message and by which of its values names the city.

No value: within a sentence that is about the city.
"""

LISTS: Final = ("{t0}", "{first}", "{names}")
"""How messages begin that list names."""


_YOU: Final = {"they": "you", "them": "you", "their": "your", "theirs": "yours"}
_THEY = re.compile(rf"(?<!\bof )\b({'|'.join(_YOU)})\b", re.IGNORECASE)  # "521 of them" are others


def _to_you(found: re.Match[str]) -> str:
    said = _YOU[found[0].lower()]
    return said.capitalize() if found[0][0].isupper() else said


def addressed(text: str, name: str, within: bool = False) -> str:
    """Return a text as it is said to the city of a name; ``within`` a sentence that is about the city."""
    if not isinstance(text, Said) or not (within or name[1:] in text):
        return text
    if text.language:
        reported = within and text.startswith(("They ", "Their "))
        return own_words(_THEY.sub(_to_you, text), text.language) if reported else text
    forms = YOURS.get(text.message, {})
    at = next((key for key in forms if text.values.get(key) == name), "" if within else None)
    form = forms.get(at, "") if at is not None else ""
    is_list = len(text.values) > 1 and text.message.startswith(LISTS)
    yours = at == "" or form.startswith(("You ", "Your ", "{on}you "))

    def part(value: str) -> str:
        return say("you") if is_list and value == name else addressed(value, name, yours)

    said = with_parts(text, part, (form, "") if form else None)
    starts_low = text[:1].isupper() and said[:1].islower()
    return say("{text:raised}", text=said) if starts_low and not is_list else said
