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
# # Who is in the round, and what is known of them?
#
# Every score rests on what cities say of themselves. So the first question is who they are, where they are, and which
# parts of their profiles are empty. The cities here are those bundled with the package.

# %%
from IPython.display import Markdown

import twinmatch as tm

cohort = tm.bundled()
cohort

# %%
tm.pictures.city_map(cohort)

# %% [markdown]
# ## What is known
#
# A facet that rests on an empty part counts as the average pair: silence neither helps nor harms, but it tells little.

# %%
tm.pictures.known_blocks(cohort)

# %%
table = cohort.to_frame()
guests = table[table["roles"].str.contains("guest")]
mission = table[table["roles"].str.contains("mission")]
Markdown(
    f"**What is seen.** Of a Mission City {mission['known'].mean():.0%} of the profile is filled on average, of a guest city "
    f"{guests['known'].mean():.0%}. {(guests['known'] < 1 / 3).sum()} of {len(guests)} guests have less than a third: whatever is "
    "said of them below rests on little."
)

# %% [markdown]
# ## One city
#
# What is left out is *not known*; it never means zero or no.

# %%
cohort.city("Leuven")

# %% [markdown]
# ## Where emissions come from
#
# Cities report different sectors, so these are compared over the sectors that all of them report.

# %%
tm.pictures.emissions_mix(
    cohort, ["Leuven", "Ghent", "Umeå", "Lahti", "Turin", "Marseille", "Sofia"]
)

# %% [markdown]
# ## Your own cities
#
# A CSV with a row a city is enough. Only name and country are needed; every further column makes the answers better.

# %%
from pathlib import Path

Path("my_cities.csv").write_text(
    "name,country,roles,population,needs\n"
    "Graz,AT,guest,291000,We look for ways to pay for district heating.\n"
    "Kaunas,LT,guest,304000,We want to renovate blocks of flats faster.\n"
)
mine = tm.read("my_cities.csv")
Path("my_cities.csv").unlink()
mine.to_frame()

# %%
everyone = cohort + mine
features = tm.features(everyone)
Markdown(
    f"Together with the bundled cities these are {len(everyone)}. As a table for your own analysis they have "
    f"{features.shape[1]} columns; of Graz, {features.loc['at-graz'].notna().sum()} is known without its words: each further column of the CSV adds some."
)
