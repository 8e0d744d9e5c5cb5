"""What a coordinator's team must remember: runs, decisions, consents and past pairs, and nothing is ever erased.

SQLite is the default, one file; PostgreSQL serves teams. Every change is one transaction, and the history is
append-only: the database itself refuses to change or delete an entry. The service keeps its proposals, and what is
decided about them, here too.
"""

from twinmatch.store.history import (
    COMMAND_LINE,
    CONSENTS,
    DECISIONS,
    KINDS,
    STEPS,
    WHOLE,
    About,
    AuditEntry,
    HistoryEntry,
    RunSnapshot,
    carried,
    held,
    note,
)
from twinmatch.store.meetings import Fallbacks, KeptMeeting, as_met
from twinmatch.store.records import PastPair, RunRecord, Store, open_store
from twinmatch.store.refusals import REMOVED

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
    "carried",
    "held",
    "note",
    "open_store",
]
