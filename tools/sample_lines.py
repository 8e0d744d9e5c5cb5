"""Print lines of a proposal for a sceptical reader, drawn by a seed: reasons, agendas, letters, refusals, held places.

    python tools/sample_lines.py PROPOSAL.json --lines 20 --seed 1

Each line has its kind and whose it is, and room for a mark: ok, weak or absurd. ``benchmarks/results/printed-lines.md``
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
from twinmatch.exporting.report import CODES
from twinmatch.proposal import Proposal
from twinmatch.proposal.tables import AgendaRow, ids_in


def lines_of(proposal: Proposal) -> Iterator[tuple[str, str, str]]:
    """Yield kind, whose, and text of every line that is printed of a proposal, in its order."""
    names = Directory(proposal)
    for product in proposal.products:
        kind = words.product_title(product)
        for meeting in product.meetings:
            for text in words.reasons(meeting):
                yield f"{kind}: reason", names.title(meeting), text
            for text in meeting.notes:
                yield f"{kind}: note", names.title(meeting), text
        for table in product.tables:
            if table.name == "agenda":
                for row in table.rows:
                    talk = AgendaRow(*row)
                    asking, showing = (names.names(ids_in(c)) for c in (talk.asking, talk.showing))
                    said = f"{asking}: {talk.asked} – {showing}: {talk.shown}"
                    if talk.kind in CODES:
                        said = f"Experience with {talk.asked}: {showing}"
                    yield f"{kind}: agenda", str(row[0]), said
        for left in product.left_out:
            yield (
                f"{kind}: without a meeting",
                names.name(left.city),
                f"{left.why} Instead: {left.offered}",
            )
        for held in product.held:
            yield f"{kind}: held", kind, held.why
    for letter in letters(proposal):
        for part in letter.parts:
            for text in (*part.paragraphs, *part.points):
                yield f"Letter: {part.heading or 'opening'}", letter.name, text


def sample(proposal: Proposal, count: int, seed: int) -> list[tuple[str, str, str]]:
    """Return some lines, drawn evenly over the kinds, in the order of the proposal."""
    kinds: dict[str, list[tuple[int, tuple[str, str, str]]]] = {}
    for place, line in enumerate(lines_of(proposal)):
        kinds.setdefault(line[0].partition(":")[0] + line[0][-6:], []).append((place, line))
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
    print("| kind | whose | line | mark |\n| --- | --- | --- | --- |")
    for line in sample(read_proposal(asked.proposal), asked.lines, asked.seed):
        print(
            "| " + " | ".join(text.replace("|", "/").replace("\n", " ") for text in line) + " | |"
        )


if __name__ == "__main__":
    main()
