"""For notebooks: pictures, as ``tm.pictures``; results show themselves as tables."""
