"""The meetings of a run, as the store knows them: what each is called, who is in it, what is offered if a side declines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from twinmatch.proposal.wire import Hidden, Number, OrNull
from twinmatch.store.history import About

PAIRED: Final = "twinning"
"""The product whose meetings are pairs of a guest and a host."""

Fallbacks = Mapping[About, tuple[tuple[str, ...], tuple[str, ...]]]
"""For each pair, what is offered if the guest declines, and if the host does."""


@dataclass(frozen=True)
class KeptMeeting:
    """A meeting of a run: its id in the proposal, product, label, cities with the guests first, score, what is offered.

    ``guest`` and ``host`` are ids, empty where the meeting is no pair.
    """

    id: str
    product: str
    label: str
    guest: OrNull
    host: OrNull
    cities: Hidden[tuple[str, ...]]
    score: Number
    if_guest_declines: tuple[str, ...] = ()
    if_host_declines: tuple[str, ...] = ()

    @property
    def about(self) -> About:
        """Return what entries about it are about: guest and host of a pair, else its id and ""."""
        return (self.guest, self.host) if self.host else (self.id, "")


def meetings_of(
    proposal: Mapping[str, Any], fallbacks: Fallbacks | None = None
) -> list[KeptMeeting]:
    """Return the meetings of a proposal.json, in its order."""
    found = []
    for product in proposal.get("products", ()):
        for meeting in product["meetings"]:
            guests = [m["city"] for m in meeting["members"] if m["role"] == "guest"]
            hosts = [m["city"] for m in meeting["members"] if m["role"] == "host"]
            is_pair = product["product"] == PAIRED and len(guests) == 1 and hosts
            guest, host = (guests[0], meeting.get("unit") or hosts[0]) if is_pair else ("", "")
            others = [m["city"] for m in meeting["members"] if m["city"] not in guests]
            falls = (fallbacks or {}).get((guest, host), ((), ()))
            found.append(
                KeptMeeting(
                    meeting["id"],
                    product["product"],
                    meeting["label"],
                    guest,
                    host,
                    (*guests, *others),
                    meeting["score"],
                    *falls,
                )
            )
    return found


def as_met(pair: About, meetings: Iterable[KeptMeeting]) -> About:
    """Return a pair as the run has it: either way round, and a city of a host unit for its unit; else as it is."""
    for meeting in meetings:
        hosts = {meeting.host, *meeting.cities} - {meeting.guest}
        if meeting.host and any(a == meeting.guest and b in hosts for a, b in (pair, pair[::-1])):
            return meeting.about
    return pair


def places_of(proposal: Mapping[str, Any]) -> dict[str, str]:
    """Return the id of every city and host unit of a proposal.json by its id and its name, in small letters.

    A name that several have stands for none of them.
    """
    listed = [*proposal.get("cities", ()), *proposal.get("units", ())]
    found: dict[str, str] = {}
    twice = set()
    for place in listed:
        name = str(place.get("name", "")).casefold()
        if name and found.setdefault(name, place["id"]) != place["id"]:
            twice.add(name)
    return {k: v for k, v in found.items() if k not in twice} | {
        place["id"].casefold(): place["id"] for place in listed
    }
