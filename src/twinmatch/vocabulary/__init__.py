"""Words that the world uses: places, fields of climate work, topics; knows no profile."""
