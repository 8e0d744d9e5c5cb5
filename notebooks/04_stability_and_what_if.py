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
# # Stability and what-if
#
# Weights are chosen by people and much is not known, so each pair is asked: would you survive a small change? And
# each pair that is not there: what would it cost?

# %%
import twinmatch as tm
from twinmatch.notebook import open_study, pictures
from twinmatch.whatif.stability import stability

study = open_study()
found = stability(study.case, 60, seed=0)
print(f"{len(found.fragile)} of {len(found.pairs)} pairs are fragile; the first of them:")
for pair in found.fragile[:3]:
    print("-", pair.says)

# %%
pictures.stability_bars(found)

# %% [markdown]
# ## What if a facet did not count?
#
# The share of the pairs that stay when one facet is left out.

# %%
pictures.intervals(
    [(name.replace("_", " "), share, share, share) for name, share in found.dropped],
    "Share of the pairs that stay without it",
)

# %% [markdown]
# ## Why not these two?

# %%
guest = study.proposal.product("twinning").meetings[0].cities("guest")[0]
answer = tm.why_not(guest, "Ghent")
print(answer.verdict)
for reason in answer.reasons:
    print("-", reason)
for change in answer.changes:
    print("-", change)

# %% [markdown]
# ## What does each rule cost?
#
# The best answer without the rule, less the best answer with it; both proven.

# %%
import pandas as pd

prices = tm.prices()
pd.DataFrame(
    [{"rule": p.rule, "what it says": p.says, "it costs": str(p.price)} for p in prices.rules]
)
