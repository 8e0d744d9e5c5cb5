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
# # Look at the cohort
#
# Who is in the round, where they are, what they say of themselves, and what is not known. Everything below is read
# from the profiles bundled with the package; `open_study("my_profiles/")` takes yours.

# %%
from twinmatch.notebook import open_study, pictures

study = open_study()
study.cohort

# %% [markdown]
# ## One city
#
# What is left out is *not known*; it never means nought, no or none.

# %%
study.city("Leuven")

# %% [markdown]
# ## What is known
#
# Guests of past rounds have thin profiles. Every facet that rests on a missing block counts as the average pair.

# %%
pictures.known_blocks(study.cohort)

# %%
pictures.city_map(study.cohort)

# %% [markdown]
# ## Emissions
#
# Blank sectors are not drawn as nought: the contracts leave waste, industrial processes and land use blank for
# several reasons, so cities are compared over the sectors that all of them report. The year is that of the inventory.

# %%
pictures.emissions_mix(
    study.cohort, ["Leuven", "Ghent", "Umeå", "Lahti", "Differdange", "Turin", "Marseille", "Sofia"]
)

# %% [markdown]
# ## Feature vectors
#
# The same cities as one table for your own analysis; an empty cell is not known.

# %%
import twinmatch as tm

features = tm.features()
features.iloc[:5, :8]
