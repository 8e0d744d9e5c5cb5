"""National clusters: country first, then readiness; large countries split, small ones joined with the reason."""

from twinmatch.programmes.national_clusters.countries import ties as ties
from twinmatch.programmes.national_clusters.product import cluster_rules as cluster_rules
from twinmatch.programmes.national_clusters.product import (
    propose_national_clusters as propose_national_clusters,
)
from twinmatch.programmes.national_clusters.settings import NationalClusters as NationalClusters
