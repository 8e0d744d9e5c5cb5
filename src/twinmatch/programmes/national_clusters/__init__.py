"""National clusters: country first, then readiness; large countries split, small ones joined with the reason."""

from twinmatch.programmes.national_clusters.countries import ties
from twinmatch.programmes.national_clusters.product import (
    cluster_rules,
    propose_national_clusters,
)
from twinmatch.programmes.national_clusters.settings import NationalClusters

__all__ = ["NationalClusters", "cluster_rules", "propose_national_clusters", "ties"]
