"""Questions about a round that was solved: why not, what it costs, how stable it is."""
