"""Discussion groups: peers around a shared challenge, led by cities that are strong in it."""

from twinmatch.programmes.discussion_groups.product import group_rules, solved_groups
from twinmatch.programmes.discussion_groups.settings import DiscussionGroups

__all__ = ["DiscussionGroups", "group_rules", "solved_groups"]
