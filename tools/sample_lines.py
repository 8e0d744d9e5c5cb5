"""Print lines of a proposal for a sceptical reader, drawn by a seed: reasons, agendas, letters, refusals, held places.

    python tools/sample_lines.py PROPOSAL.json --lines 20 --seed 1

Each line has where it stands and whom it is about or addressed to, and room for a mark: ok, weak or absurd. ``benchmarks/results/printed-lines.md``
keeps the sheet that was read.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from twinmatch.exporting import read_proposal, words
from twinmatch.exporting.folder_files import Directory
from twinmatch.exporting.letters import letters
from twinmatch.exporting.report import CODES, sides
from twinmatch.proposal import Proposal
from twinmatch.proposal.tables import AgendaRow, ids_in, rows_of


def lines_of(proposal: Proposal) -> Iterator[tuple[str, str, str]]:
    """Yield where a line stands, whom it is about or addressed to, and its text, of every line that is printed."""
    names = Directory(proposal)
    titles = {m.id: names.title(m) for product in proposal.products for m in product.meetings}
    for product in proposal.products:
        kind = words.product_title(product)
        for meeting in product.meetings:
            for text in words.reasons(meeting):
                yield f"Report, {kind}: why it is proposed", titles[meeting.id], text
            for text in meeting.notes:
                yield f"Report, {kind}: note", titles[meeting.id], text
        for row in rows_of(product.tables, "agenda", AgendaRow):
            if row.kind not in CODES:
                others = [names.name(c) for c in ids_in(row.asking)[1:]]
                said = f"{row.asked} {names.names(ids_in(row.showing))} can show: {row.shown}"
                said = f"What flows back. {said}" if row.kind == "return" else said
                said += f" Also asked by {', '.join(others)}." if others else ""
                yield f"Dossier, {kind}: item of the first agenda", titles[row.meeting], said
        for part in sides(product):
            for reason in part.reasons:  # printed once, with the cities that share it
                cities = [names.name(c) for _, of in reason.offers for c in of]
                who = words.listed(
                    [*cities[:3], f"{len(cities) - 3} others"] if len(cities) > 4 else cities
                )
                yield f"Report, {kind}: {part.title}", who, reason.why
            for left in part.others:
                offer = f"Offered instead: {left.offered}" if left.offered else words.instead("")
                said = f"{left.why} {offer}"
                yield f"Report, {kind}: {words.OUTCOMES[part.kind][0]}", names.name(left.city), said
        for held in product.held:
            yield f"Report, {kind}: held places", kind, held.why
    for letter in letters(proposal):
        for part in letter.parts:
            for text in (*part.paragraphs, *part.points):
                if text.endswith(":"):
                    continue  # says that a list follows
                yield f"Letter to {letter.name}: {part.heading or 'opening'}", letter.name, text


def sample(proposal: Proposal, count: int, seed: int) -> list[tuple[str, str, str]]:
    """Return some lines, drawn evenly over where they stand, in the order of the proposal."""
    kinds: dict[str, list[tuple[int, tuple[str, str, str]]]] = {}
    for place, line in enumerate(lines_of(proposal)):
        key = line[0].removeprefix(f"Letter to {line[1]}: ")
        key = key if key.startswith(("Report", "Dossier")) else key.partition(" with ")[0]
        kinds.setdefault(key.partition(": ")[0] if key == line[0] else key[:12], []).append(
            (place, line)
        )
    rng = random.Random(seed)
    drawn: list[tuple[int, tuple[str, str, str]]] = []
    pools = [rng.sample(lines, len(lines)) for lines in kinds.values()]
    while pools and len(drawn) < count:
        rng.shuffle(pools)
        drawn += [pool.pop() for pool in pools[: count - len(drawn)]]
        pools = [pool for pool in pools if pool]
    return [line for _, line in sorted(drawn)]


def main() -> None:
    """Print the sample as a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proposal", type=Path)
    parser.add_argument("--lines", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("| where it stands | about or to | line | mark |\n| --- | --- | --- | --- |")
    for line in sample(read_proposal(asked.proposal), asked.lines, asked.seed):
        print(
            "| " + " | ".join(text.replace("|", "/").replace("\n", " ") for text in line) + " | |"
        )


if __name__ == "__main__":
    main()
