"""What a coordinator's team must remember: runs, decisions, consents and past pairs, and nothing is ever erased.

SQLite is the default, one file; PostgreSQL serves teams. Every change is one transaction, and the history is
append-only: the database itself refuses to change or delete an entry. The service keeps its proposals, and what is
decided about them, here too.
"""
