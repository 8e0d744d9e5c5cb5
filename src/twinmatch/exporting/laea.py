"""The projection of European maps: ETRS89 Lambert azimuthal equal area (EPSG:3035), as used by Eurostat.

Notation: phi latitude, lam longitude, in radians; q the authalic function and beta the authalic latitude;
e the eccentricity of the ellipsoid GRS 1980. Formulas: J. P. Snyder, "Map Projections: A Working Manual",
U.S. Geological Survey Professional Paper 1395 (1987), pages 187-188; the same as method 9820 in IOGP
Publication 373-7-2, whose worked example is a test.
"""

from __future__ import annotations

from math import atanh, cos, hypot, radians, sin, sqrt
from typing import Final

SEMI_MAJOR_AXIS: Final = 6_378_137.0
FLATTENING: Final = 1 / 298.257222101
CENTRE: Final = (52.0, 10.0)
FALSE_ORIGIN: Final = (4_321_000.0, 3_210_000.0)

_E2 = FLATTENING * (2 - FLATTENING)
_E = sqrt(_E2)


def _q(phi: float) -> float:
    """Return the authalic function of a latitude (Snyder 3-12)."""
    s = sin(phi)
    return (1 - _E2) * (s / (1 - _E2 * s * s) + atanh(_E * s) / _E)


_PHI1, _LAM0 = radians(CENTRE[0]), radians(CENTRE[1])
_QP = _q(radians(90))
_RQ = SEMI_MAJOR_AXIS * sqrt(_QP / 2)
_SIN_BETA1 = _q(_PHI1) / _QP
_COS_BETA1 = sqrt(1 - _SIN_BETA1**2)
_M1 = cos(_PHI1) / sqrt(1 - _E2 * sin(_PHI1) ** 2)
_D = SEMI_MAJOR_AXIS * _M1 / (_RQ * _COS_BETA1)


def project(lat: float, lon: float) -> tuple[float, float]:
    """Return easting and northing in metres of a place in degrees.

    The one point opposite to the centre, in the southern Pacific, has no place on the map and raises
    ZeroDivisionError.
    """
    lam = radians(lon) - _LAM0
    sin_beta = max(-1.0, min(1.0, _q(radians(lat)) / _QP))
    cos_beta = sqrt(1 - sin_beta**2)
    facing = 1 + _SIN_BETA1 * sin_beta + _COS_BETA1 * cos_beta * cos(lam)
    b = _RQ * sqrt(2 / facing)
    east = b * _D * cos_beta * sin(lam)
    north = b / _D * (_COS_BETA1 * sin_beta - _SIN_BETA1 * cos_beta * cos(lam))
    return FALSE_ORIGIN[0] + east, FALSE_ORIGIN[1] + north


def kilometres(lat: float, lon: float) -> tuple[float, float]:
    """Return a place on the map in kilometres, with y growing downwards as in SVG."""
    east, north = project(lat, lon)
    return east / 1000, -north / 1000


def span(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two places on the map, in its unit."""
    return hypot(one[0] - other[0], one[1] - other[1])
