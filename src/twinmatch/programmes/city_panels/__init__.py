"""City panels: mixed groups around a question, chosen by what cities seek and show."""

from twinmatch.programmes.city_panels.product import panel_rules, solved_panels
from twinmatch.programmes.city_panels.search import CityPanels

__all__ = ["CityPanels", "panel_rules", "solved_panels"]
