"""Letters by mail: off unless set, drafts first, consented contacts only, each once, failures told."""

from __future__ import annotations

import csv
import io
import json
import socketserver
import zipfile
from email import message_from_bytes, policy
from threading import Thread

import lxml.html
import pytest
from service_for_tests import PROGRAMME, board_of, finished, five_cities, served

from twinmatch.errors import QuestionError
from twinmatch.web.mail import mail_settings

CONTACTS = """city,name,e-mail,consent
de-guest,Ms Guest,guest@de.example,yes
fr-guest,M. Guest,guest@fr.example,no
it-host,"Dott. Host
Bcc: all@evil.example",host@it.example,yes
se-host,Fru Host,"host@se.example, all@evil.example",yes
"""
OPEN = {"HOST": "127.0.0.1", "SECURITY": "none", "SENDER": "round@programme.example"}


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server without TLS that keeps what it takes, as (to, content).

    ``answer`` is what it says of a letter, "" to hang up in the middle of one.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.taken, self.answer = [], "250 OK"


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        to, said = [], "220 here"
        while said:
            self.wfile.write(said.encode() + b"\r\n")
            line = self.rfile.readline().decode()
            word = line[:4].upper()
            said = "221 bye" if word == "QUIT" else "250 OK"
            if word == "RCPT":
                to.append(line.partition("<")[2].partition(">")[0])
            elif word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                content, said = b"".join(lines), self.server.answer
                if said.startswith("250"):
                    self.server.taken.append((to, content))
            elif not line:
                return


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mail")
    (folder / "contacts.csv").write_text(CONTACTS, encoding="utf-8")
    with served(folder / "s.sqlite", profiles=five_cities(folder), heavy_a_minute=10_000) as it:
        job = it.post("/v1/proposals", json={"title": "Mail", "programme_toml": PROGRAMME}).json()
        assert finished(it, job["id"])["state"] == "done"
        it.made, it.contacts = job["id"], folder / "contacts.csv"
        yield it


@pytest.fixture
def run(client):
    """A proposal that is approved, of which nothing was sent."""
    board = board_of(client)
    made = board.keep_made("Mail", {}, "tests", board.result(client.made))
    board.store.add(made, "approve", "tests")
    return made


@pytest.fixture
def mailbox(client, monkeypatch):
    with Mailbox() as box:
        Thread(target=box.serve_forever, args=(0.05,), daemon=True).start()
        given = {**OPEN, "PORT": str(box.server_address[1]), "CONTACTS": str(client.contacts)}
        for name, value in given.items():
            monkeypatch.setenv(f"TWINMATCH_SMTP_{name}", value)
        yield box
        box.shutdown()


def page_of(client, run, **asked):
    answer = client.get(f"/workbench/proposals/{run}/mail", params=asked)
    return lxml.html.fromstring(answer.text)


def offered(client, run):
    return page_of(client, run).xpath("//input[@name='draft']/@value")


def send(client, run, drafts):
    place = f"/workbench/proposals/{run}/mail/send"
    return client.post(place, data={"draft": drafts}, follow_redirects=False)


def kinds(client, run):
    return [e.kind for e in board_of(client).store.history(run)]


def test_without_a_mail_server_there_is_no_page_of_mails(client, run):
    answer = client.get(f"/workbench/proposals/{run}/mail")
    assert answer.status_code >= 400
    assert "mail-off" in answer.text
    letters = client.get(f"/workbench/proposals/{run}", params={"tab": "letters"}).text
    assert f"{run}/mail" not in letters


def test_only_consented_contacts_are_offered_and_each_letter_is_sent_once(client, run, mailbox):
    drafts = offered(client, run)
    assert [d.partition(" ")[0] for d in drafts] == ["de-guest"]
    told = client.post(f"/workbench/proposals/{run}/mail", data={"draft": drafts})
    assert "guest@de.example" in told.text
    assert "guest@fr.example" not in told.text
    assert kinds(client, run) == ["approve"]  # looking and confirming send nothing
    assert mailbox.taken == []

    assert send(client, run, drafts).status_code == 303
    ((to, content),) = mailbox.taken
    assert to == ["guest@de.example"]
    mail = message_from_bytes(content, policy=policy.default)
    assert mail["To"] == "Ms Guest <guest@de.example>"
    assert mail["From"] == "round@programme.example"
    assert "De-Guest" in mail["Subject"]
    assert mail.get_content().startswith("Dear Ms Guest,")
    assert mail.get_content().endswith("\r\n\r\nWith kind regards,\r\nthe programme team\r\n")
    assert mail["Content-Language"] == "en"
    assert kinds(client, run) == ["approve", "sending", "sent", "asked"]

    assert offered(client, run) == []
    assert send(client, run, drafts).status_code >= 400
    assert len(mailbox.taken) == 1


def test_a_letter_of_a_further_version_is_sent_where_it_says_something_else(client, run, mailbox):
    send(client, run, offered(client, run))
    board = board_of(client)
    again = board.keep_made("Mail", {"programme_of": run}, "tests", board.result(run))
    board.store.add(again, "approve", "tests")
    assert offered(client, again) == []
    offer = page_of(
        client, again, by="1 May"
    )  # but nobody gets a second letter unless it is ticked
    assert offer.xpath("//input[@name='draft']/@value")
    assert not offer.xpath("//input[@name='draft']/@checked")


def edit(client, run, **changes):
    """Send the form of a letter's page with changes, and return the answer."""
    place = f"/workbench/proposals/{run}/letters/de-guest"
    (form,) = (f for f in lxml.html.fromstring(client.get(place).text).forms if "text" in f.fields)
    return client.post(place, data={**dict(form.form_values()), **changes}, follow_redirects=False)


BODY = "Dear all,\n\nDoors open at nine <sharp>.\n\n- bring tea\n- call +49 170 1234567"


def test_what_somebody_edited_is_shown_mailed_and_downloaded_in_every_form(client, run, mailbox):
    base = f"/workbench/proposals/{run}"
    assert edit(client, run, subject="Tea", text=BODY).status_code == 303
    kept = BODY.partition(" +49")[0]

    (draft,) = (d for d in offered(client, run))
    assert send(client, run, [draft]).status_code == 303
    mail = message_from_bytes(mailbox.taken[0][1], policy=policy.default)
    sent = mail.get_content().replace("\r\n", "\n")
    assert (mail["Subject"], sent[: len(kept)]) == ("Tea", kept)
    assert "1234567" not in sent  # nobody's number is kept
    page = lxml.html.fromstring(client.get(f"{base}/letters/de-guest").text)
    assert page.xpath("string(//textarea[@name='text'])").strip().startswith(kept)
    document = client.get(f"{base}/letters/de-guest/word").content
    link = board_of(client).desk.invite(run, "de-guest", 1, "tests")
    own = client.get(f"/workbench/city/{link}").text
    signed = {"sender": "Ada", "by": "1 May"}
    tab = lxml.html.fromstring(client.get(base, params={"tab": "letters", **signed}).text)
    (form,) = (f for f in tab.forms if f.action.endswith("letters.zip"))
    form.fields["first"] = "2027-01-11"
    packed = client.get(form.action, params=dict(form.form_values())).content
    with zipfile.ZipFile(io.BytesIO(packed)) as folder:
        rows = list(
            csv.DictReader(folder.read("letters/merge.csv").decode("utf-8-sig").splitlines(True))
        )
        files = [
            folder.read(n) for n in folder.namelist() if "de-guest." in n and not n.endswith(".ics")
        ]
        assert b"DTSTART" in folder.read("letters/first-meetings/all.ics")
    (row,) = (r for r in rows if r["city_id"] == "de-guest")
    others = [r["letter"] for r in rows if r["city_id"] != "de-guest"]
    assert others
    assert all("Ada" in letter and "1 May" in letter for letter in others)
    assert (row["subject"], row["letter"][: len(kept)]) == ("Tea", kept)
    words = [*(f for f in files if f[:2] == b"PK"), document]
    assert len(words) == 2
    texts = [zipfile.ZipFile(io.BytesIO(w)).read("word/document.xml").decode() for w in words]
    pages = [f.decode() for f in files if f[:2] != b"PK"]
    for text in (*texts, *pages, own):
        assert "Doors open at nine &lt;sharp&gt;." in text
        assert "bring tea" in text
        assert "Dear colleagues" not in text
    assert "edited the letter" in client.get(base, params={"tab": "history"}).text


def test_an_edited_letter_stays_until_the_proposal_says_something_else(client, run):
    board, base = board_of(client), "/workbench/proposals"
    edit(client, run, subject="Tea", text=BODY)
    again = board.keep_made("Mail", {"programme_of": run}, "tests", board.result(run))
    assert "Doors open" in client.get(f"{base}/{again}/letters/de-guest").text
    other = json.loads(board.result(run))
    (product,) = (p for p in other["products"] if p["product"] == "twinning")
    gone = [m for m in product["meetings"] if "de-guest" in {x["city"] for x in m["members"]}]
    product["meetings"] = [m for m in product["meetings"] if m not in gone]
    third = board.keep_made("Mail", {"programme_of": run}, "tests", json.dumps(other).encode())
    page = lxml.html.fromstring(client.get(f"{base}/{third}/letters/de-guest").text)
    assert "Doors open" not in page.xpath("string(//textarea[@name='text'])")
    assert "Doors open" in page.xpath("string(//details[@class='notice'])")
    # Dropped, it is the letter that is made; one without a text below its subject is none.
    assert edit(client, again, text=" ").status_code == 303
    assert "Doors open" not in client.get(f"{base}/{again}/letters/de-guest").text
    assert board.store.held(again).letters["de-guest"][1] == ""
    with pytest.raises(QuestionError):
        board.store.add(again, "letter", "tests", one="x", city="de-guest", why="Tea")
    with pytest.raises(QuestionError):
        board.store.add(again, "letter", "tests", one="x", city="no-where", why="Tea\n\nText")


def test_two_who_edit_a_letter_at_once_are_told(client, run):
    late = edit(client, run, subject="Tea", text=BODY, version="0")
    assert late.status_code == 412
    (form,) = (f for f in lxml.html.fromstring(late.text).forms if "text" in f.fields)
    assert (
        client.post(form.action, data=dict(form.form_values()), follow_redirects=False).status_code
        == 303
    )
    assert board_of(client).store.held(run).letters["de-guest"][1].startswith("Tea")


def test_letters_of_a_draft_are_not_sent(client, run, mailbox):
    drafts = offered(client, run)
    board_of(client).store.add(run, "reopen", "tests")
    assert offered(client, run) == []
    assert send(client, run, drafts).status_code >= 400
    assert mailbox.taken == []


def test_a_refused_letter_is_told_and_offered_again(client, run, mailbox):
    mailbox.answer = "550 no such mailbox here"
    assert send(client, run, offered(client, run)).status_code == 303
    assert kinds(client, run) == ["approve", "sending", "unsent"]
    assert "no such mailbox here" in page_of(client, run).text_content()
    mailbox.answer = "250 OK"
    send(client, run, offered(client, run))
    assert len(mailbox.taken) == 1


def test_where_the_connection_breaks_nothing_is_sent_again_until_somebody_says_so(
    client, run, mailbox
):
    mailbox.answer = ""
    drafts = offered(client, run)
    answer = send(client, run, drafts)
    assert answer.status_code >= 400
    assert "mail-broken" in answer.text
    assert kinds(client, run) == ["approve", "sending"]
    mailbox.answer = "250 OK"
    assert offered(client, run) == []
    assert send(client, run, drafts).status_code >= 400
    said = {"kind": "unsent", "city": "de-guest", "version": 2}
    client.post(f"/workbench/proposals/{run}/decisions", data=said)
    send(client, run, offered(client, run))
    assert len(mailbox.taken) == 1


def test_a_server_without_tls_gets_nothing_unless_that_was_asked_for(
    client, run, mailbox, monkeypatch
):
    drafts = offered(client, run)
    monkeypatch.setenv("TWINMATCH_SMTP_SECURITY", "starttls")
    answer = send(client, run, drafts)
    assert answer.status_code >= 400
    assert "mail-unreachable" in answer.text
    assert kinds(client, run) == ["approve"]
    assert mailbox.taken == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECURITY", "none"),
        ("SENDER", "round@programme.example\nBcc: all@evil.example"),
        ("SENDER", "nobody"),
        ("PORT", "0"),
        ("COLOUR", "blue"),
        ("CONTACTS", ""),
    ],
)
def test_wrong_settings_are_named_and_what_was_said_is_not_repeated(name, value):
    given = {**OPEN, "SECURITY": "tls", "HOST": "mail.example", "CONTACTS": "c.csv"}
    given |= {"PASSWORD": "secret-word", name: value}
    with pytest.raises(QuestionError) as raised:
        mail_settings({f"TWINMATCH_SMTP_{k}": v for k, v in given.items()})
    told = str(raised.value)
    assert "secret-word" not in told
    assert {p.code for p in raised.value.problems} == {"mail-settings"}
