"""The made-up cities of the tests are those that authors of extensions have."""

from twinmatch.testing import BagOfWords, cohort_of, facet_cache

__all__ = ["BagOfWords", "cohort_of", "facet_cache"]
