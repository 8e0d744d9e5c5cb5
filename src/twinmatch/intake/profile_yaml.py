"""A profile as a YAML file that people can read and change, and that says exactly what the profile says."""

from __future__ import annotations

from typing import Any

import yaml

from twinmatch.schema import City, HostUnit


class _Dumper(yaml.SafeDumper):
    """Folded texts, short lists on one line, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return that nothing is written as an alias: our reader refuses them."""
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    folds = len(text) > 80 and text == text.strip() and "\n" not in text and text.isprintable()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=">" if folds else None)


def _sequence(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    short = all(isinstance(i, str | int | float) and len(str(i)) < 40 for i in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


_Dumper.add_representer(str, _string)
_Dumper.add_representer(list, _sequence)


def plain_profile(profile: City | HostUnit) -> dict[str, Any]:
    """Return the fields of a profile that say something: without what is not known and what is the default."""
    return profile.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def to_yaml(profile: City | HostUnit | list[HostUnit]) -> str:
    """Return a profile, or a list of host units, as YAML; reading it gives the same profile."""
    content: Any = (
        [plain_profile(unit) for unit in profile]
        if isinstance(profile, list)
        else plain_profile(profile)
    )
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))
