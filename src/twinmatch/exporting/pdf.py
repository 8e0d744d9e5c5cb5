"""Pages as PDF for printing and for screen readers (PDF/UA-1), by WeasyPrint; needs the extra ``pdf``."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files

from twinmatch.errors import Problem, QuestionError


def pdf(page: bytes) -> bytes:
    """Return a self-contained HTML page as a tagged PDF, the same bytes for the same page; nothing is fetched.

    Raises QuestionError where WeasyPrint or its libraries are not installed, and ValueError
    naming the address where a page asks for something outside itself.
    """
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise QuestionError(
            Problem(
                "pdf-missing",
                f"PDF needs WeasyPrint and Pango, which are not installed ({error}).",
                do="Install them with: pip install 'twinmatch[pdf]' (Pango comes with the system), or print "
                "report.html to PDF in any browser.",
            )
        ) from error
    # It tells of every property of the screen that means nothing on paper.
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    html = weasyprint.HTML(string=for_paper(page.decode("utf-8")), url_fetcher=nothing)
    with _fixed_date():
        try:
            return bytes(html.write_pdf(pdf_variant="pdf/ua-1"))
        except (
            weasyprint.urls.FatalURLFetchingError
        ) as error:  # no Exception: it would end a server's worker
            raise ValueError(f"The page is not self-contained: {error}") from error


@contextmanager
def _fixed_date() -> Iterator[None]:
    """Have the fonts of the file carry one date: fontTools takes the hour of the run where none is set."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = before or "946684800"
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]


_SHAPE = re.compile(r'<path id="(\w+)" d="([^"]*)"/>')
_USE = re.compile(r'<use href="#(\w+)"')
_PICTURE = re.compile(r"<svg\b[^>]*>")


def for_paper(page: str) -> str:
    """Return a page whose pictures stand on their own: WeasyPrint draws each without the page's style and shapes."""
    shapes = dict(_SHAPE.findall(page))
    page = _USE.sub(lambda use: f'<path d="{shapes[use[1]]}"', page)
    return _PICTURE.sub(lambda picture: f"{picture[0]}<style>{_style()}</style>", page)


@cache
def _style() -> str:
    """Return the style of the pictures; letters have no white edge, which would be painted over them."""
    style = (files("twinmatch.exporting") / "templates" / "svg.css").read_text(encoding="utf-8")
    return style + ".labels text { stroke: none; }"
