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
# # Cities like mine
#
# Peers of a city: alike in challenges, needs, readiness and emissions, each with its reasons. The score is the sum
# of what its facets add; there is no other way to get one.

# %%
from twinmatch.app.neighbours import similar
from twinmatch.notebook import open_study, pictures

study = open_study()
study.peers

# %%
import pandas as pd

says, found = similar("Leuven", study.cohort, k=8)
pd.DataFrame(
    {
        "city": [s.name for s in found],
        "country": [s.country for s in found],
        "points of 100": [round(100 * s.account.score, 1) for s in found],
        "weights known": [f"{s.account.coverage:.0%}" for s in found],
        "why": [s.account.strongest(1)[0].says for s in found],
    }
)

# %% [markdown]
# ## Why the first one?
#
# Each bar begins where the one above ends; outlines are what a facet can give, filled bars what it gives.

# %%
account = study.account("Leuven", found[0].id)
account

# %%
pictures.waterfall(account, f"Leuven and {found[0].name} as peers")

# %%
pictures.emissions_mix(study.cohort, ["Leuven", found[0].id])

# %%
pictures.readiness(study.cohort, ["Leuven", found[0].id])

# %% [markdown]
# ## What if only the words counted?
#
# Weights are a choice; change them and see who stays.

# %%
words_only = similar("Leuven", study.cohort, k=8, weights={"shared_needs": 1})[1]
pd.DataFrame(
    {
        "by all facets": [s.name for s in found],
        "by needs in words alone": [s.name for s in words_only],
    }
)
