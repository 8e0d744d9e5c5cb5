"""Pure mathematics of matching and grouping; knows no city."""
