"""What a coordinator's team must remember: runs, decisions, consents and past pairs, and nothing is ever erased.

SQLite is the default, one file; PostgreSQL serves teams. Every change is one transaction, and the history is
append-only: the database itself refuses to change or delete an entry. The service keeps its proposals, and what is
decided about them, here too.
"""

from twinmatch.store.database import COMMAND_LINE, REMOVED, note
from twinmatch.store.history import (
    CONSENTS,
    DECISIONS,
    STEPS,
    About,
    HistoryEntry,
    RunSnapshot,
    held,
)
from twinmatch.store.records import PastPair, RunRecord, Store, open_store
from twinmatch.store.tables import Fallbacks, KeptMeeting, as_met

__all__ = [
    "COMMAND_LINE",
    "CONSENTS",
    "DECISIONS",
    "REMOVED",
    "STEPS",
    "About",
    "Fallbacks",
    "HistoryEntry",
    "KeptMeeting",
    "PastPair",
    "RunRecord",
    "RunSnapshot",
    "Store",
    "as_met",
    "held",
    "note",
    "open_store",
]
