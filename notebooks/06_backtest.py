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
# # Back-test: does the score know what cities chose?
#
# Pilot cities chose an activity, and multi-city pilots chose partners. The score never saw these choices when it
# ranks: the activity is taken out first. A mean percentile rank of 0 is perfect, 0.5 is chance.
#
# Your own pairs: `tm.backtest("pairs.csv")` with the columns `guest` and `hosts`, such as `de-cologne,fi-lahti`;
# cities of one unit are separated by `;`.

# %%
from twinmatch.app.neighbours import PEER_WEIGHTS
from twinmatch.notebook import open_study, pictures
from twinmatch.whatif.backtest import activities as rank_activities
from twinmatch.whatif.backtest import partners as rank_partners
from twinmatch.whatif.case import twinning_of

round_ = open_study().round
cohort, cache = round_.cohort, round_.facet_cache
activities = rank_activities(cohort, twinning_of(round_).weights, cache)
partners = rank_partners(cohort, twinning_of(round_).weights, cache)
peers = rank_partners(cohort, PEER_WEIGHTS, cache)
pictures.intervals(
    [
        (
            "the activity that a city chose (twinning score)",
            activities.figures.value,
            activities.figures.low,
            activities.figures.high,
        ),
        (
            "partners in one activity (twinning score)",
            partners.figures.value,
            partners.figures.low,
            partners.figures.high,
        ),
        (
            "partners in one activity (peer score)",
            peers.figures.value,
            peers.figures.low,
            peers.figures.high,
        ),
    ],
    "Mean percentile rank with its 95% interval: 0 perfect, dashed 0.5 chance",
    reference=0.5,
)

# %%
print(
    "Activities:", activities.figures, f"over {activities.units} units, {activities.cities} cities"
)
print("Partners, twinning score:", partners.figures)
print("Partners, peer score:", peers.figures)
if peers.across_borders is not None:
    print("Partners of other countries only, peer score:", peers.across_borders)

# %% [markdown]
# ## By one facet alone
#
# What each facet would reach by itself. Facets near 0.5 know nothing of this choice; they may know of others.

# %%
pictures.intervals(
    [(name.replace("_", " "), value, value, value) for name, value in activities.alone],
    "Mean percentile rank by the facet alone",
    reference=0.5,
)

# %% [markdown]
# ## What this does not prove
#
# Few pairs, chosen for many reasons, some of them never written down. A good rank says that the score is not blind;
# it does not say that a pair will work.
