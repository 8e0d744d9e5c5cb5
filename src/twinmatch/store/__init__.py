"""What a coordinator's team must remember: runs, decisions, consents and past pairs, and nothing is ever erased.

SQLite is the default, one file; PostgreSQL serves teams. Every change is one transaction, and the history is
append-only: the database itself refuses to change or delete an entry.
"""

from twinmatch.store.history import (
    CONSENTS,
    DECISIONS,
    STEPS,
    Consent,
    Entry,
    Held,
    held,
)
from twinmatch.store.records import Kept, PastPair, Store, open_store

__all__ = [
    "CONSENTS",
    "DECISIONS",
    "STEPS",
    "Consent",
    "Entry",
    "Held",
    "Kept",
    "PastPair",
    "Store",
    "held",
    "open_store",
]
