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
# # Would the pairs survive other weights, and why not another pair?
#
# Weights are chosen by people and much is not known. So each pair is asked whether it would survive a small change, and a
# pair that is not there is asked what it would cost.

# %%
from IPython.display import Markdown

import twinmatch as tm

cohort = tm.bundled()
proposal = tm.propose(cohort)
twinning = proposal.product("twinning")

# %% [markdown]
# ## Proven, under these weights
#
# The same round with every facet of the twinning weighing the same.

# %%
equal = {w.facet: 1 for w in twinning.weights}
other = tm.propose(cohort, weights=equal).product("twinning")
hosts = [
    {m.cities("guest")[0]: m.cities("host") for m in product.meetings}
    for product in (twinning, other)
]
same = sum(hosts[1].get(guest) == host for guest, host in hosts[0].items())
Markdown(
    f"**What is seen.** Both answers are {twinning.status}, each under its own weights, and only {same} of "
    f"{len(hosts[0])} pairs are in both. *Proven* says that nobody can do better under the weights given; it does not say that "
    "the weights are right."
)

# %% [markdown]
# ## Small changes
#
# In each run the weights move a little and what is not known is drawn from the other cities.

# %%
stable = tm.stability(cohort, runs=60)
tm.pictures.stability_bars(stable)

# %%
fragile = stable.fragile
Markdown(
    f"**What is seen.** {len(fragile)} of {len(stable.pairs)} pairs are fragile: they survive in fewer than seven of ten runs. "
    f"The most fragile: {fragile[0].says} Ask these cities before the pair is confirmed."
)

# %%
tm.pictures.intervals(
    [(name.replace("_", " "), share, share, share) for name, share in stable.dropped],
    "Share of the pairs that stay without the facet",
)

# %% [markdown]
# ## Why not these two?
#
# The reserve host of the best pair: allowed by every rule, nearly as good, and not chosen.

# %%
best = twinning.meetings[0]
guest = best.cities("guest")[0]
reserve = next(r.candidate for r in best.reserves if r.instead_of != guest)
answer = tm.why_not(guest, reserve, cohort)
price = answer.best.price if answer.best else "no answer at all"
moved = " ".join(move.says for move in answer.best.moves) if answer.best else ""
Markdown(
    f"**{answer.guest_name} with {answer.host_name}: {answer.verdict}.** "
    + " ".join(answer.reasons)
)

# %%
Markdown(f"**What is seen.** Forcing the pair costs {price}. {moved}")

# %% [markdown]
# ## What does each rule cost?
#
# The best answer without the rule, less the best answer with it; both proven.

# %%
prices = tm.prices(cohort)
prices

# %%
free = sum(p.price.is_nothing for p in prices.rules)
wanted = prices.hosts.to_frame().sort_values("worth_score", ascending=False).iloc[0]
worth = 100 * wanted["worth_score"]
places = (
    f"One more place is worth most at {wanted['name']}: {worth:.1f} points."
    if worth >= 0.05
    else "One more place at any single host would raise the sum of scores by less than 0.1 points."
)
Markdown(f"**What is seen.** {free} of {len(prices.rules)} rules cost nothing. {places}")
