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
# # Who has a place, and what other good answers are there?
#
# A best total can leave the same kind of city without a place each time. So the round is counted by country, size and
# wealth, each guest is shown beside the best host that was open to it, and other answers are laid beside it.

# %%
from IPython.display import Markdown

import twinmatch as tm

cohort = tm.bundled()
twinning = tm.propose(cohort).product("twinning")
fairness = twinning.table("fairness")
tm.pictures.fairness(fairness, "Region") & tm.pictures.fairness(
    fairness, "Size"
) & tm.pictures.fairness(fairness, "Wealth of the region")

# %%
Markdown(
    f"**What is seen.** {fairness.says} Eligible are the guests that are known to meet every condition of the programme; "
    "others must be asked first. The dashed line is the part of all guests with a place; a group far to its left "
    "is served less than the others, and with few cities in a group chance alone can do that."
)

# %% [markdown]
# ## Is anyone served badly?
#
# Each guest's pair beside the best host that was open to it, the worst served first.

# %%
satisfaction = twinning.table("satisfaction")
tm.pictures.satisfaction(satisfaction)

# %%
served = satisfaction.to_frame()
lost = served["Best possible points"] - served["Points"]
Markdown(
    f"**What is seen.** {(lost < 1e-9).sum()} of {len(served)} guests have the best host that was open to them; the one that "
    f"gives up most gives up {100 * lost.max():.1f} points."
)

# %% [markdown]
# ## Named answers
#
# All fill as many places as there are. Each is best in what it is named for, and then in total.

# %%
answers = tm.frontier(cohort)
answers

# %%
table = answers.to_frame().set_index("name")
fair = table.loc["worst-off guest served best"]
Markdown(
    f"**What is seen.** Serving the worst-off guest best lifts it from {100 * table['worst'].iloc[0]:.1f} to "
    f"{100 * fair['worst']:.1f} points and gives up {100 * fair['gives_up']:.1f} points of the total. The most countries are "
    f"{table['countries'].max()}, against {table['countries'].iloc[0]} in the answer with the highest total."
)

# %% [markdown]
# ## The solver on arrays
#
# The same choice in small: two hosts, two guests, and a score for each pair. First the best total, then the best for the
# guest that is worst off.

# %%
score = [[0.9, 0.5], [0.5, 0.2]]
total = tm.assign(score, demand=[1, 1], capacity=[1, 1])
even = tm.assign(score, demand=[1, 1], capacity=[1, 1], fairness="max-min")
worst = [min(score[host][guest] for host, guest in found.pairs) for found in (total, even)]
Markdown(
    f"The best total is {total.score:.1f} with {worst[0]:.1f} for the guest that is worst off; its best is {worst[1]:.1f}, "
    f"with a total of {even.score:.1f}. Both are {even.status}."
)
