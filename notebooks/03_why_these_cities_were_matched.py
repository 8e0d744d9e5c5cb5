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
# # Why these cities were matched
#
# The proposal of the bundled round, its pairs on the map, and the account of a pair from the figures up.

# %%
from twinmatch.notebook import open_study, pictures

study = open_study()
study.proposal

# %%
twinning = study.proposal.product("twinning")
twinning

# %%
pictures.pair_map(study.proposal, twinning.meetings)

# %% [markdown]
# ## The account of the best pair
#
# Each line quotes what it rests on; the points sum to the score.

# %%
best = twinning.meetings[0]
best

# %%
pictures.waterfall(best.account, best.label)

# %% [markdown]
# ## The pair beside its rivals
#
# The ten pairs with the highest scores: every guest beside every host of the ten. Frames are the pairs proposed;
# a dark tile without a frame is a pair that the round as a whole does better without.

# %%
affinity = study.case.ready.affinity
pairs = [
    (
        affinity.row_of[study.cohort.index[m.cities("guest")[0]]],
        affinity.column_of[m.unit or m.cities("host")[0]],
    )
    for m in twinning.meetings[:10]
]
pictures.heat(
    affinity, [r for r, _ in pairs], list(dict.fromkeys(c for _, c in pairs)), chosen=pairs
)

# %% [markdown]
# ## What the pairs can begin with
#
# Each guest's needs beside the offers of its host that answer them.

# %%
next(table for table in twinning.tables if table.name == "agenda")
