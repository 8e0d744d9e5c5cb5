"""Discussion groups: peers around a shared challenge, led by cities that are strong in it."""

from twinmatch.programmes.discussion_groups.product import group_rules as group_rules
from twinmatch.programmes.discussion_groups.product import solved_groups as solved_groups
from twinmatch.programmes.discussion_groups.settings import DiscussionGroups as DiscussionGroups
