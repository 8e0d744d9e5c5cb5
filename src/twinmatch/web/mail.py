"""Letters: looked at, edited, as files; by mail only where SMTP is configured, only to contacts that agreed, each once.

TWINMATCH_SMTP_HOST turns it on; TWINMATCH_SMTP_CONTACTS names the table of contacts (city, name, e-mail, consent), which
is read for each page and kept nowhere. A letter is noted as being sent before it leaves and as sent, or refused, after;
where the connection breaks between the two nobody knows, so it stays noted as being sent and is not offered again until
a person says that it did not arrive.
"""

from __future__ import annotations

import io
import os
import re
import smtplib
import ssl
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlencode

from fastapi import Depends, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from twinmatch.app.decisions import MeetingState, RunState
from twinmatch.errors import Problem, QuestionError, Where
from twinmatch.exporting import dossier_files
from twinmatch.exporting.folder_files import read_contacts
from twinmatch.exporting.letters import Correspondence, Letter, letter_files, letters
from twinmatch.exporting.printing import dossier_docx
from twinmatch.exporting.spreadsheet import code_of
from twinmatch.proposal import Proposal
from twinmatch.store.history import HistoryEntry
from twinmatch.store.records import Store
from twinmatch.web.auth import Coordinator, coordinator, pages_router
from twinmatch.web.bodies import one_of
from twinmatch.web.decided_pages import Name, Version, conflict
from twinmatch.web.pages import language, page
from twinmatch.web.rounds_pages import Looked, Made, Signature, file_of, to_proposal
from twinmatch.web.settings import LOOPBACK
from twinmatch.web.state import Shared
from twinmatch.wording import say

PREFIX: Final = "TWINMATCH_SMTP_"

WORD: Final = find_spec("docx") is not None
"""Whether letters can be had as Word documents: with the extra ``word``."""

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
"""An address that mail is sent to; quoted and non-ASCII ones are left to people."""

SECONDS: Final = 30
"""Seconds for which an answer of the mail server is waited for."""


class MailSettings(BaseModel):
    """How mail is sent; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    host: str = Field(min_length=1)
    """The mail server"""
    port: int = Field(587, ge=1, le=65535)
    """Its port"""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """none is for a server on this machine only"""
    user: str = ""
    """Who logs in there; nobody where it is empty"""
    password: SecretStr = SecretStr("")
    """The password of the user"""
    sender: str = Field(pattern=f"^{ADDRESS.pattern}$")
    """The address in From"""
    contacts: Path
    """Table of contacts: city, name, e-mail, consent (yes)"""

    @model_validator(mode="after")
    def _open_only_here(self) -> MailSettings:
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("without TLS mail goes to a server on this machine only")
        return self


def mail_settings(environment: Mapping[str, str] = os.environ) -> MailSettings | None:
    """Return the settings of TWINMATCH_SMTP_*; None without a host. Raises QuestionError with every wrong one."""
    said = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value
    }
    if "host" not in said:
        return None
    try:
        return MailSettings.model_validate(said)
    except ValidationError as error:
        # What was said is not repeated: it may be the password.
        raise QuestionError(
            Problem(
                "mail-settings",
                say(
                    "{PREFIX}{p}: {e}.",
                    PREFIX=PREFIX,
                    p="_".join(map(str, e["loc"])).upper(),
                    e=e["msg"],
                ),
                do=say("Set it as docs/governance.md says, and start the service again."),
            )
            for e in error.errors()
        ) from None


MailState = Literal[
    "ready", "no contact", "no consent", "wrong address", "sent", "not known", "failed"
]


@dataclass(frozen=True)
class Draft:
    """The letter of a city as a mail: the code of its text, whether it may be sent, and what was said of it last."""

    letter: Letter
    language: str
    code: str
    state: MailState
    last: HistoryEntry | None

    @property
    def named(self) -> str:
        """Return how a form names it, as it was shown."""
        return f"{self.letter.city} {self.code} {self.language}"

    @property
    def may_be_sent(self) -> bool:
        """Return whether it is offered: a consented contact, and neither sent nor perhaps sent as it stands."""
        return self.state in {"ready", "failed"}


def drafts(
    made: Proposal, run: RunState, settings: MailSettings, signed: tuple[str, str, str]
) -> tuple[Draft, ...]:
    """Return the letter of every city as a draft, signed by somebody, to be answered by a day, in a language.

    Raises DataError where the table of contacts cannot be read.
    """
    contacts = read_contacts(settings.contacts, made)
    written, english = (
        letters(made, Correspondence(contacts, *signed[:2], code, run.held.letters))
        for code in (signed[2], "en")
    )
    mails = run.held.mails
    return tuple(
        _draft(letter, same, signed[2], mails.get(letter.city))
        for letter, same in zip(written, english, strict=True)
    )


def _draft(letter: Letter, english: Letter, language: str, last: HistoryEntry | None) -> Draft:
    """Return a letter as a draft; its code is that of its English text, so that in another language it is the same."""
    to = letter.contact
    code = code_of(f"{to.email}\n{english.subject}\n{english.text}")
    state: MailState = "ready"
    if last is not None and last.kind == "sending":
        state = "not known"
    elif last is not None and last.kind == "sent" and last.why == code:
        state = "sent"
    elif not to.email:
        state = "no contact"
    elif not to.consent:
        state = "no consent"
    elif not ADDRESS.fullmatch(to.email) or not to.name.isprintable():
        state = "wrong address"
    elif last is not None and last.kind == "unsent":
        state = "failed"
    return Draft(letter, language, code, state, last)


def message(draft: Draft, run: str, settings: MailSettings) -> EmailMessage:
    """Return the mail of a draft; headers are encoded by the library, which refuses line breaks in them."""
    to, mail = draft.letter.contact, EmailMessage(policy=SMTP)
    mail["From"] = Address(addr_spec=settings.sender)
    mail["To"] = Address(to.name, addr_spec=to.email)
    mail["Subject"] = " ".join(draft.letter.subject.split())
    # The same letter has the same id, by which a mailbox tells a copy.
    mail["Message-ID"] = f"<{run}.{draft.code}@{settings.sender.rpartition('@')[2]}>"
    mail.set_content(draft.letter.text)
    mail["Content-Language"] = (
        draft.language
    )  # after the content, which takes other headers of content away
    return mail


@contextmanager
def connected(settings: MailSettings) -> Iterator[smtplib.SMTP]:
    """Give a connection to the mail server, encrypted as the settings say; raises QuestionError where there is none."""
    context, place = ssl.create_default_context(), (settings.host, settings.port)
    with ExitStack() as closing:
        try:
            if settings.security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(*place, timeout=SECONDS, context=context)
            else:
                server = smtplib.SMTP(*place, timeout=SECONDS)
            closing.callback(server.close)
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.user:
                server.login(settings.user, settings.password.get_secret_value())
        except (OSError, smtplib.SMTPException) as error:
            found = say("The mail server cannot be used: {name}.", name=type(error).__name__)
            do = say("Nothing was sent. Check TWINMATCH_SMTP_*, and try again.")
            raise QuestionError.of("mail-unreachable", found, Where(settings.host), do) from error
        yield server
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def send(
    chosen: Sequence[Draft], run: RunState, settings: MailSettings, by: str, store: Store
) -> None:
    """Send drafts one after another, each noted before and after; a city that is invited is noted as asked.

    Raises QuestionError where the run has gone on since it was looked at, or the connection breaks: of the letter
    then under way nobody knows, and no further one is sent.
    """
    name, seen = run.id, run.version
    with connected(settings) as server:
        for k, draft in enumerate(chosen):
            city = draft.letter.city
            begun: dict[str, Any] = {"city": city, "why": draft.code, "seen": None if k else seen}
            entry = store.add(name, "sending", by, **begun)
            said: list[tuple[str, str, str]] = [("sent", "", draft.code)]
            try:
                server.send_message(_dated(message(draft, name, settings), entry))
            except smtplib.SMTPServerDisconnected as error:
                raise _broken(city) from error
            except smtplib.SMTPException as error:
                said = [("unsent", "", _refused(error))]
            except OSError as error:
                raise _broken(city) from error
            else:
                said += [("asked", m.id, "") for m in _not_asked(run, city)]
            for kind, one, why in said:
                store.add(name, kind, by, one=one, city=city, why=why)


def _dated(mail: EmailMessage, entry: HistoryEntry) -> EmailMessage:
    mail["Date"] = format_datetime(entry.at)
    return mail


def _not_asked(run: RunState, city: str) -> Iterator[MeetingState]:
    return (m for m in run.meetings if city in m.cities and not m.consents[city])


def _refused(error: smtplib.SMTPException) -> str:
    """Return what a mail server said in refusing a letter."""
    answers = getattr(error, "recipients", None)
    code, text = (
        next(iter(answers.values()))
        if answers
        else (getattr(error, "smtp_code", ""), getattr(error, "smtp_error", type(error).__name__))
    )
    plain = text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {' '.join(plain.split())[:200]}".strip()


def _broken(city: str) -> QuestionError:
    found = say(
        "The connection broke while the letter to {city} was being sent: it may have arrived or not.",
        city=city,
    )
    do = say(
        "Ask the city, then say on the page of mails whether it did; no further letter was sent."
    )
    return QuestionError.of("mail-broken", found, do=do)


# --- the pages ------------------------------------------------------------------------------------------------

router = pages_router("/workbench/proposals")

Signed = Annotated[str, Form(max_length=120)]
Chosen = Annotated[list[Annotated[str, Form(max_length=200)]] | None, Form(max_length=1000)]


def _settings() -> MailSettings:
    settings = mail_settings()
    if settings is None:
        do = say("Take the letters away, or set TWINMATCH_SMTP_HOST and start the service again.")
        raise QuestionError.of("mail-off", say("This service sends no mail."), do=do)
    return settings


def _no_store(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"  # addresses of people
    return answer


@router.get("/{proposal}/mail", dependencies=[Depends(coordinator)])
def mail(request: Request, found: Looked, signature: Signature) -> Response:
    """Return every letter as a draft with to whom it would go, or why it may not be sent."""
    parts: dict[str, Any] = {**signature, "chosen": ()}
    signed = (signature["sender"], signature["by"], language(request))
    parts["drafts"] = drafts(found["made"], found["run"], _settings(), signed)
    return _no_store(page(request, "mail.html.j2", tab="letters", **found, **parts))


@router.post("/{proposal}/mail", dependencies=[Depends(coordinator)])
def confirm(
    request: Request, found: Looked, draft: Chosen = None, sender: Signed = "", by: Signed = ""
) -> Response:
    """Return who would get what, to be confirmed once; nothing is sent."""
    parts: dict[str, Any] = {"sender": sender, "by": by, "drafts": ()}
    parts["chosen"] = _chosen(found, draft, (sender, by, language(request)))
    return _no_store(page(request, "mail.html.j2", tab="letters", **found, **parts))


@router.post("/{proposal}/mail/send")
def send_mail(
    request: Request,
    state: Shared,
    person: Coordinator,
    found: Looked,
    draft: Chosen = None,
    sender: Signed = "",
    by: Signed = "",
) -> Response:
    """Send the drafts that were confirmed, and go to what became of them."""
    chosen = _chosen(found, draft, (sender, by, language(request)))
    send(chosen, found["run"], _settings(), person.name, state.board.store)
    signed = urlencode({"sender": sender, "by": by})
    return to_proposal(found["job"].id, f"/mail?{signed}#part")


def _chosen(
    found: dict[str, Any], asked: list[str] | None, signed: tuple[str, str, str]
) -> tuple[Draft, ...]:
    """Return the drafts that a form names; raises QuestionError where one is no longer as it was shown."""
    offered = drafts(found["made"], found["run"], _settings(), signed)
    named = {d.named: d for d in offered if d.may_be_sent}
    if not asked:
        raise QuestionError.of("letter-missing", say("No letter was chosen."), do=say("Tick some."))
    if found["now"].status not in {"approved", "published"}:
        do = say("Approve the proposal first.")
        raise QuestionError.of("status-wrong", say("Letters of a draft are not sent."), do=do)
    gone = [one.partition(" ")[0] for one in asked if one not in named]
    if gone:
        told = say(
            "Not as they were shown, or sent meanwhile: {p}.", p=", ".join(sorted(gone))[:200]
        )
        raise QuestionError.of(
            "letter-changed", told, do=say("Nothing was sent. Look at them again.")
        )
    return tuple(named[one] for one in dict.fromkeys(asked))


# --- one letter, and all of them as files -----------------------------------------------------------------------


@router.get("/{proposal}/letters/{city}")
def letter(request: Request, found: Looked, city: str, signature: Signature) -> Response:
    """Return the letter of a city, to be looked at and edited before it is sent."""
    parts: dict[str, Any] = {**signature, "letter": _letter(request, found, city, signature)}
    made_of, text = found["now"].letters.get(city, ("", ""))
    plain = letters(found["made"], Correspondence(edited={city: ("", "")}))
    parts["code"] = next(x.code for x in plain if x.city == city)
    parts |= {"stale": text if made_of != parts["code"] else "", "word": WORD}
    parts["rows"] = [r for r in found["table"].pairs if city in r.kept.cities]
    return page(request, "letter.html.j2", tab="letters", **found, **parts)


def _signed(request: Request, found: dict[str, Any], signature: dict[str, str]) -> Correspondence:
    """Return how letters are written: signed, in the language of the page, and as they were edited."""
    edited = found["now"].letters
    return Correspondence({}, signature["sender"], signature["by"], language(request), edited)


def _letter(
    request: Request, found: dict[str, Any], city: str, signature: dict[str, str]
) -> Letter:
    """Return the letter of a city as it is now, in the language of the page; raises QuestionError without one."""
    written = letters(found["made"], _signed(request, found, signature))
    mine = (w for w in written if w.city == city)
    return one_of(mine, say("There is no letter to {city}.", city=repr(city[:80])))


@router.get("/{proposal}/letters/{city}/word")
def letter_in_word(request: Request, found: Looked, city: str, signature: Signature) -> Response:
    """Return the letter of a city as a Word document."""
    mine = _letter(request, found, city, signature)
    return file_of(dossier_docx(mine.page), f"{mine.page.name}.docx", DOCX)


@router.get("/{proposal}/{name}.zip")
def folder(
    request: Request, found: Looked, name: str, signature: Signature, first: Literal[""] | date = ""
) -> Response:
    """Return dossiers and letters, in the language of the page, in one file: pages, the table for a mail merge, and calendars.

    ``first`` is the day from which first meetings are put in calendar files; without it there are none.
    """
    if name not in ("dossiers", "letters"):
        raise QuestionError.of(
            "file-unknown", say("There is no file {name}.", name=repr(name[:40]))
        )
    made, stream, given = found["made"], io.BytesIO(), _signed(request, found, signature)
    parts: dict[str, Iterator[tuple[str, bytes]]] = {
        "letters": letter_files(
            made, given, first_day=first or None, word=WORD and name == "letters"
        )
    }
    if name == "dossiers":
        parts["dossiers"] = dossier_files(made, given.language)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for place, files in parts.items():
            for path, content in files:
                packed.writestr(zipfile.ZipInfo(f"{place}/{path}"), content)
    return file_of(stream.getvalue(), f"{name}.zip", "application/zip")


@router.post("/{proposal}/letters/{city}")
def edit_letter(
    request: Request,
    state: Shared,
    person: Coordinator,
    job: Made,
    city: str,
    code: Name,
    version: Version,
    subject: Name = "",
    text: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Keep the letter of a city as it was edited; without a text it is again the one that is made."""
    body = text.replace("\r\n", "\n").strip()
    said = f"{' '.join(subject.split())}\n\n{body}" if body else ""
    given = {"kind": "letter", "one": code, "city": city, "why": said}
    try:
        state.board.store.add(job.id, by=person.name, seen=version, **given)
    except QuestionError as error:
        mine = [("code", code), ("subject", subject), ("text", text)]
        return conflict(request, state, job.id, version, f"letters/{city}", mine, error)
    return to_proposal(job.id, f"/letters/{quote(city)}#text")
