"""twinmatch: explained, proven, fair peer matching for climate-neutral cities."""

__version__ = "0.1.0"
