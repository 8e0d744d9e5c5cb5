"""The words of every export for codes (facets, products, roles, rules, blocks of a profile), and the form of address."""

from __future__ import annotations

from typing import Final

from twinmatch.files import data_beside
from twinmatch.proposal import Meeting, Product
from twinmatch.proposal.proposal import joins_countries
from twinmatch.schema import NAMES
from twinmatch.vocabulary.topics import KINDS
from twinmatch.wording import Said, count, raised, say, titled, with_parts

TITLES: Final = data_beside(__file__, "titles.toml")
"""The words for codes, by what they are codes of."""


def _said(of: str) -> dict[str, str]:
    return {code: say(words) for code, words in TITLES[of].items()}


FACETS = {code: say(words) for code, words in KINDS["facets"].items()}

PRODUCTS = _said("products")

NOUNS: dict[str, list[str]] = TITLES["nouns"]
"""What one meeting of a product is called, and several."""

ROLES = _said("roles")
"""Roles in a meeting and in the programme; ``guest`` is read alike in both."""

RULES = _said("rules")

BLOCKS = _said("blocks")


RULE_NAMES = {name: say(name) for name in TITLES["rule_names"]["names"]}
"""Names of rules that programmes have from the start, in words."""


def humanise(code: str) -> str:
    """Return a code as words: underscores replaced, the first letter raised."""
    text = code if isinstance(code, Said) else titled(code.replace("_", " ").strip())
    return raised(NAMES.get(code) or RULE_NAMES.get(code) or text)


def facet_title(code: str) -> str:
    """Return the title of a facet; an unknown code is read as words."""
    return FACETS.get(code) or humanise(code)


def product_title(product: Product) -> str:
    """Return the title of a product: its own, or that of its code, where some clusters join countries with both kinds."""
    own = PRODUCTS.get(product.product, "")
    if product.title not in ("", own):
        return product.title
    if product.joins_countries:
        return say("National and multi-country clusters")
    return own or humanise(product.product)


def meeting_kind(product: Product, meeting: Meeting) -> str:
    """Return what kind of meeting one is, as a head, such as "Study visit": the title of its product where that is its own."""
    kind = "joined_countries" if joins_countries(meeting.id) else product.product
    if kind not in NOUNS or product.title not in ("", PRODUCTS[product.product]):
        return product_title(product)
    return raised(say(NOUNS[kind][0]))


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
    some = product.joins_countries
    return nouns_counted(len(product.meetings), "some_joined" if some else product.product)


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

THIS: Final = "this city"
"""What a message calls the city whose place it is about, where many cities read the same; the key of its form to that city."""

THESE: Final = "these cities"
"""What a message calls the cities of a host unit; to one of them it says "you"."""

LISTS: Final = ("{t0}", "{first}", "{names}")
"""How messages begin that list names."""


def addressed(text: str, name: str, within: bool = False) -> str:
    """Return a text as it is said to the city of a name; ``within`` a sentence that is about the city."""
    if not isinstance(text, Said) or text.language:
        return text
    if not within and not any(word[1:] in text for word in (name, THIS, THESE)):
        return text
    plural = text.several and text.values["n"] != 1
    forms = YOURS.get(text.several if plural else text.message, {})
    at = next((k for k in forms if text.values.get(k) in (name, THESE) or k == THIS), None)
    at = "" if at is None and within else at
    form = forms.get(at, "") if at is not None else ""
    is_list = len(text.values) > 1 and text.message.startswith(LISTS)
    yours = at == "" or form.startswith(("You ", "Your ", "{on}you "))

    def part(value: str) -> str:
        return say("you") if is_list and value == name else addressed(value, name, yours)

    said = with_parts(text, part, (form, "") if form else None)
    starts_low = text[:1].isupper() and said[:1].islower()
    return say("{text:raised}", text=said) if starts_low and not is_list else said
