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
# # Why were these cities matched?
#
# A pair, a group and a cluster of the bundled round, each taken apart to its evidence; and what "proven" means.

# %%
from IPython.display import Markdown

import twinmatch as tm

cohort = tm.bundled()
proposal = tm.propose(cohort)
twinning = proposal.product("twinning")
proposal

# %%
tm.pictures.pair_map(proposal, twinning.meetings)

# %%
ids = {card.id: card.country for card in proposal.cities}
abroad = sum(
    ids[m.cities("guest")[0]] not in {ids[host] for host in m.cities("host")}
    for m in twinning.meetings
)
Markdown(
    f"**What is seen.** {len(twinning.meetings)} guests have a host, {abroad} of them in another country. The answer is "
    f"{twinning.status}: its score is {twinning.score:.2f}, and no other choice under these rules and weights exceeds "
    f"{twinning.bound:.2f}. The proof is about these weights, not about the world."
)

# %% [markdown]
# ## A pair
#
# Each line quotes what it rests on; the points sum to the score.

# %%
best = twinning.meetings[0]
best

# %%
tm.pictures.waterfall(best.account, best.label)

# %% [markdown]
# ## The pair beside its rivals
#
# The guests and hosts of ten pairs, each guest beside each host. Frames are the pairs of the proposal.

# %%
ten = [(m.cities("guest")[0], m.unit or m.cities("host")[0]) for m in twinning.meetings[:10]]
weights = {w.facet: w.weight for w in twinning.weights}
rivals = tm.compare(
    cohort, weights, guests=[g for g, _ in ten], hosts=list(dict.fromkeys(h for _, h in ten))
)
tm.pictures.heat(rivals, ten)

# %%
scores = rivals.to_frame()
first = sum(scores.loc[guest].idxmax() == host for guest, host in ten)
Markdown(
    f"**What is seen.** {first} of these {len(ten)} guests are with the host that fits them best among those shown. "
    + (
        "Where a guest is with another host, it gives way: a host has few places, and the whole round is better for it."
        if first < len(ten)
        else "The dark tiles without a frame are good pairs too; their guests have something better."
    )
)

# %% [markdown]
# ## A group
#
# A group has a theme and leads. Its account is the mean over its members, each beside the leads.

# %%
group = proposal.product("discussion_groups").meetings[0]
group

# %%
line = max(group.account.lines, key=lambda line: line.weight * (line.standing - 0.5))
Markdown(
    f"**What is seen.** {group.label}: {group.says} What lifts it most above the average is *{line.facet.replace('_', ' ')}*, "
    f"which is known for {line.known_part:.0%} of its pairs. {line.says}"
)

# %% [markdown]
# ## A cluster
#
# Clusters bring together cities of one country; where there are too few, neighbours are joined, and it is said why.

# %%
clusters = proposal.product("national_clusters")
joined = next(meeting for meeting in clusters.meetings if "with" in meeting.label)
joined

# %%
Markdown(
    f"**What is seen.** {joined.label}: {joined.says} Of the {len(clusters.meetings)} clusters "
    f"{sum('with' in m.label for m in clusters.meetings)} are joined ones; nobody is left alone for living in a small country."
)
