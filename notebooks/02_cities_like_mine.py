# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which cities are like mine, and does that depend on the weights?
#
# A score is the sum of what its facets add, and there is no other way to get one. So the answer can be taken apart, and
# other weights give other answers. Leuven is the example; put your own city in its place.

# %%
from IPython.display import Markdown

import twinmatch as tm

cohort = tm.bundled()
mine = cohort.city("Leuven")
nearest = tm.similar(mine, cohort, k=8)
nearest

# %% [markdown]
# ## Why the first one?
#
# Each bar begins where the one above ends; an outline is what a facet can give, the filled part what it gives.

# %%
first = nearest[0]
tm.pictures.waterfall(first.account, f"{mine.name} and {first.name} as peers")

# %%
Markdown(
    f"**What is seen.** {first.name} reaches {100 * first.account.score:.0f} of 100 points. {first.account.summary()}"
    f" {first.account.coverage:.0%} of the weights rest on something known."
)

# %%
tm.pictures.readiness(cohort, [mine.id, first.id])

# %% [markdown]
# ## Weights of your own
#
# What if only the needs in the cities' own words counted, or only figures?

# %%
import pandas as pd

choices = {
    "all facets": None,
    "needs in words": {"shared_needs": 1},
    "figures alone": {"emissions_mix": 2, "emissions_level": 1, "context": 1},
}
answers = {name: tm.similar(mine, cohort, k=8, weights=w) for name, w in choices.items()}
pd.DataFrame({name: [city.name for city in found] for name, found in answers.items()})

# %%
usual = {city.id for city in answers["all facets"]}
stay = {name: len(usual & {city.id for city in found}) for name, found in answers.items()}
Markdown(
    f"**What is seen.** Of the {len(usual)} nearest by all facets, words alone keep {stay['needs in words']} and "
    f"figures alone {stay['figures alone']}. Being alike has no one meaning; the weights are a choice that people make."
)

# %% [markdown]
# ## A facet of your own
#
# A function of two cities: here, whether both lie by the same degree of urbanisation. `None` means not known.


# %%
def same_kind_of_place(one, other):
    kinds = [c.context.degree_of_urbanisation if c.context else None for c in (one, other)]
    return None if None in kinds else 1 - abs(kinds[0] - kinds[1]) / 2


tm.add_facet("same_kind_of_place", same_kind_of_place, "Are both cities, towns or rural?")
tm.similar(mine, cohort, k=5, weights={"same_kind_of_place": 1, "shared_challenges": 3})
