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
# # Fairness and the frontier
#
# Who has a place and who has not; and what other good answers there are, each best in something else.

# %%
from twinmatch.notebook import open_study, pictures

study = open_study()
twinning = study.proposal.product("twinning")
fairness = next(table for table in twinning.tables if table.name == "fairness")
fairness

# %%
pictures.fairness(fairness, "Region") & pictures.fairness(fairness, "Size") & pictures.fairness(
    fairness, "Wealth of the region"
)

# %% [markdown]
# ## Is anyone served badly?
#
# Each guest's pair beside the best host that was open to it.

# %%
pictures.satisfaction(next(t for t in twinning.tables if t.name == "satisfaction"))

# %% [markdown]
# ## Named answers
#
# All fill as many places as can be. Each is best in what it is named for, and then in total; what it gives up of the
# total is its price.

# %%
import numpy as np
import pandas as pd

from twinmatch.solving import frontier

case = study.case
keep = np.flatnonzero(case.ready.allowed)
blocks = [rule.block.take(keep) for rule in case.ready.rules if not rule.filters]
guests = [study.cohort.cities[i] for i in case.ready.frame.guests]
countries = np.unique([c.country for c in guests], return_inverse=True)[1]
small = np.array([c.population is not None and c.population.value < 100_000 for c in guests])
answers = frontier(case.ready.everything.take(keep), blocks, attribute=countries, marked=small)
pd.DataFrame(
    [
        {
            "best in": a.name,
            "places": a.filled,
            "total points": round(100 * a.total, 1),
            "gives up": round(100 * a.gives_up, 1),
            "worst-off guest": round(100 * a.worst, 1),
            "countries": a.covered,
            "small cities": a.served,
            "most guests of a host": a.load,
        }
        for a in answers
    ]
)
