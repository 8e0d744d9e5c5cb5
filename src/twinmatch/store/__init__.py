"""What a coordinator's team must remember: runs, decisions, consents and past pairs, and nothing is ever erased.

SQLite is the default, one file; PostgreSQL serves teams. Every change is one transaction, and the history is
append-only: the database itself refuses to change or delete an entry. The service keeps its proposals, and what is
decided about them, here too.
"""

from twinmatch.store.changes import COMMAND_LINE, AuditEntry, note
from twinmatch.store.forgetting import REMOVED
from twinmatch.store.history import (
    CONSENTS,
    DECISIONS,
    KINDS,
    STEPS,
    WHOLE,
    About,
    HistoryEntry,
    RunSnapshot,
    held,
)
from twinmatch.store.meetings import Fallbacks, KeptMeeting, as_met
from twinmatch.store.records import PastPair, RunRecord, Store, open_store

__all__ = [
    "COMMAND_LINE",
    "CONSENTS",
    "DECISIONS",
    "KINDS",
    "REMOVED",
    "STEPS",
    "WHOLE",
    "About",
    "AuditEntry",
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
