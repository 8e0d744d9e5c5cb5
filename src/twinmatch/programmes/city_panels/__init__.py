"""City panels: mixed groups around a question, chosen by what cities seek and show."""

from twinmatch.programmes.city_panels.product import panel_rules as panel_rules
from twinmatch.programmes.city_panels.product import solved_panels as solved_panels
from twinmatch.programmes.city_panels.search import CityPanels as CityPanels
