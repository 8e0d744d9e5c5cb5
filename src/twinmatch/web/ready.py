"""What a process that makes a proposal needs, loaded before there is one to make."""

from twinmatch.app import decisions, round
from twinmatch.exporting import folder_files
from twinmatch.web import board, intake_pages, jobs, proposals

__all__ = ["board", "decisions", "folder_files", "intake_pages", "jobs", "proposals", "round"]
