"""For notebooks: tables of the results, which they show by themselves, and pictures (``tm.pictures``)."""
