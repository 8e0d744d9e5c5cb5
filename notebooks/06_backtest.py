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
# # Does the score know what cities chose?
#
# Pilot cities chose an activity, and multi-city pilots chose partners. The score sees none of these choices when it ranks:
# they are taken out first. A mean percentile rank of 0 is perfect, 0.5 is chance.

# %%
from IPython.display import Markdown

import twinmatch as tm

cohort = tm.bundled()
tests = tm.pilots(cohort)
names = {
    "the activity that a city chose (twinning score)": tests.activity.figures,
    "partners in one activity (twinning score)": tests.partners.figures,
    "partners in one activity (peer score)": tests.peers.figures,
}
if tests.peers.across_borders is not None:
    names["partners of other countries only (peer score)"] = tests.peers.across_borders
tm.pictures.intervals(
    [(name, f.value, f.low, f.high) for name, f in names.items()],
    "Mean percentile rank with its 95% interval: 0 perfect, dashed 0.5 chance",
    reference=0.5,
)


# %%
def told(figure):
    """Return in words whether an interval lies below chance."""
    if figure.high != figure.high:  # nan: one unit has no interval
        return (
            f"at {figure.value:.2f}, of one unit, from which nothing can be told apart from chance"
        )
    which = (
        "better than"
        if figure.high < 0.5
        else "worse than"
        if figure.low > 0.5
        else "no better than"
    )
    return f"{which} chance: {figure.value:.2f}, with 95% confidence between {figure.low:.2f} and {figure.high:.2f}"


borders = tests.peers.across_borders
Markdown(
    f"**What is seen.** The activity that a city chose ({tests.activity.cities} cities in {tests.activity.units} units) is "
    f"ranked {told(tests.activity.figures)}. By the peer score partners are ranked {told(tests.peers.figures)}; partners of "
    "other countries, among those countries only, "
    + (f"{told(borders)}." if borders else "cannot be tested: there are none.")
)

# %% [markdown]
# ## By one facet alone
#
# What each facet would reach alone. Those near the dashed line know nothing of this choice; they may know of others.

# %%
tm.pictures.intervals(
    [(name.replace("_", " "), value, value, value) for name, value in tests.activity.alone],
    "Mean percentile rank by the facet alone",
    reference=0.5,
)

# %% [markdown]
# ## Your own pairs
#
# A CSV, a table or a list of a guest and its host; cities of one unit stand with `;` between them.

# %%
pairs = [("de-cologne", "fi-lahti"), ("Bologna", "Leuven")]
found = tm.backtest(pairs, cohort)
found

# %%
Markdown(
    f"**What is seen.** The hosts of these {len(found.pairs)} made-up pairs are ranked "
    + " and ".join(f"{pair.rank:.0f} of {pair.of}" for pair in found.pairs)
    + ". Few pairs prove nothing; a good rank says that the score is not blind, not that a pair will work."
)
