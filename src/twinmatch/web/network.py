"""A product of pairs as a picture in two columns: guests on the left, hosts on the right."""

from __future__ import annotations

from dataclasses import dataclass

from twinmatch.exporting.folder_files import Directory
from twinmatch.proposal import Meeting, Product


@dataclass(frozen=True)
class Knot:
    """A guest or host of the network: its name, and where it stands."""

    name: str
    y: float


@dataclass(frozen=True)
class Net:
    """Guests on the left, hosts on the right, a line for each meeting, as thick as its score."""

    guests: tuple[Knot, ...]
    hosts: tuple[Knot, ...]
    lines: tuple[tuple[float, float, float, str], ...]
    height: float


def network(product: Product, directory: Directory) -> Net:
    """Return a product of pairs as a picture in two columns, in the order of the hosts."""
    hosts: dict[str, list[tuple[str, Meeting]]] = {}
    for m in product.meetings:
        for guest in m.cities("guest"):
            hosts.setdefault(directory.host(m), []).append((guest, m))
    row, y = 22.0, 20.0
    left: dict[str, float] = {}
    right, lines = [], []
    for host in sorted(hosts):
        first = y
        for guest, _ in hosts[host]:
            if guest not in left:
                left[guest] = y
                y += row
        y = max(y, first + row)
        middle = (first + y - row) / 2
        right.append(Knot(host, middle))
        for guest, m in hosts[host]:
            title = f"{directory.name(guest)} – {host}: {100 * m.score:.0f}"
            lines.append((left[guest], middle, round(0.8 + 3 * m.score, 1), title))
    knots = tuple(Knot(directory.name(g), at) for g, at in left.items())
    return Net(knots, tuple(right), tuple(lines), y + 10)
