"""Questions about a proposal: why not, what does it cost, what if a city leaves, how stable is it, is it right."""
