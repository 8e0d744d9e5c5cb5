import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from exporting_samples import HOSTILE, sample
from icalendar import Calendar
from test_report import Page

from twinmatch.errors import DataError
from twinmatch.exporting.folder_files import Contact, _of_survey, read_contacts
from twinmatch.exporting.letters import Correspondence, _why_none, letter_files, letters
from twinmatch.exporting.printing import COLUMNS, calendar_files, first_dates, merge_csv
from twinmatch.exporting.report import Sources, report_html
from twinmatch.exporting.titles import addressed
from twinmatch.proposal import Gap, LeftOut, Table
from twinmatch.proposal.tables import InterviewRow, LoadRow, ReasonRow
from twinmatch.wording import joined, listed, own_words, say, say_n, shown

SETTINGS = {"programme": {"settings": {"twinning": {"takes": {"guest": {"hours": 5, "trips": 1}}}}}}


@pytest.fixture(scope="module")
def proposal():
    return sample()


@pytest.fixture(scope="module")
def of(proposal):
    return {letter.city: letter for letter in letters(proposal)}


def test_there_is_one_letter_a_city_with_all_its_meetings(proposal, of):
    assert list(of) == [card.id for card in proposal.cities]
    assert of["at-graz"].meetings == ("twinning-1", "cluster-1")
    assert of["fr-lyon"].meetings == ("group-1", "cluster-1")


def test_hours_of_the_meetings_sum_to_those_of_the_letter(proposal):
    made = {letter.city: letter for letter in letters(replace(proposal, made_from=SETTINGS))}
    graz, lund = made["at-graz"], made["se-lund"]
    assert (graz.hours, graz.trips) == (5 + 1, 1)  # the programme's guest, a cluster's member
    # Half of a host, whose other city leads and travels, and a member, by the products' own figures.
    assert (lund.hours, lund.trips) == (8 / 2 + 4, 0)
    assert sum("hour" in p for part in graz.parts[1:] for p in part.paragraphs) == 2


def test_only_applicants_read_of_a_refusal(of):
    headings = {city: [p.heading for p in letter.parts] for city, letter in of.items()}
    assert not [city for city, heads in headings.items() if "No place in this round" in heads]
    # Lyon is asked something first, so nothing is refused yet.
    assert "What we would like to know" in headings["fr-lyon"]


def test_a_refused_applicant_reads_the_reason_and_a_host_its_own(proposal):
    """A host reads what binds, with no name or score of a guest or of another host."""
    product = proposal.products[0]
    left = product.left_out[0]
    both = (
        replace(left, ask=""),
        LeftOut("se-lund", "Tomar goes to Lyon.", "", as_role="host", code="idle"),
    )
    made = replace(proposal, products=(replace(product, left_out=both, meetings=()),))
    of = {letter.city: letter.text for letter in letters(made)}
    assert "No host has a place." in of["fr-lyon"]
    assert "Every guest that could come to you has a place with another host." in of["se-lund"]
    assert "Tomar" not in of["se-lund"]


def test_a_role_that_hosts_is_no_refusal(proposal):
    why = "In this programme Mission Cities host and do not travel as guests. Graz goes to Aarhus (70.1)."
    left = LeftOut("fr-lyon", why, "", as_role="host", code="role")
    made = replace(
        proposal, products=(replace(proposal.products[0], left_out=(left,)), *proposal.products[1:])
    )
    (lyon,) = (x for x in letters(made) if x.city == "fr-lyon")
    (part,) = (p for p in lyon.parts if p.heading == "No place in this round")
    (said,) = part.paragraphs
    assert "you take part as a host" in said
    assert "Aarhus" not in said


def test_who_only_hosts_reads_nothing_of_visits_that_were_not_formed(proposal):
    travels, hosts = (
        LeftOut("fr-lyon", "No visit.", ""),
        LeftOut("se-lund", "No visit.", "", code="audience"),
    )
    visits = replace(
        proposal.products[1],
        product="study_visits", status="infeasible", meetings=(), left_out=(travels, hosts),
    )  # fmt: skip
    made = replace(proposal, products=(proposal.products[0], visits))
    told = {x.city: "No visit." in x.text for x in letters(made)}
    assert (told["fr-lyon"], told["se-lund"]) == (True, False)


def test_a_city_reads_what_it_finds_in_a_group_and_not_what_others_find(proposal):
    rows = (
        ReasonRow("group-1", "fr-lyon", "Heat for flats."),
        ReasonRow("group-1", "dk-aarhus", "A plan."),
        ReasonRow("cluster-1", "se-lund", "Elsewhere."),
    )
    told = Table("reasons", "", ReasonRow._fields, rows)
    group = replace(proposal.products[1], tables=(told,))
    made = {x.city: x for x in letters(replace(proposal, products=(group,)))}
    said = {city: [p for part in x.parts for p in part.points] for city, x in made.items()}
    assert [city for city, points in said.items() if "Heat for flats." in points] == ["fr-lyon"]
    assert [city for city, points in said.items() if "A plan." in points] == ["dk-aarhus"]
    assert not [city for city, points in said.items() if "Elsewhere." in points]


def test_contacts_are_joined_by_city(proposal):
    given = Correspondence({"at-graz": Contact("Ada", "ada@example.org")}, "Ben", "1 May")
    of = {letter.city: letter for letter in letters(proposal, given)}
    assert of["at-graz"].greeting == "Dear Ada,"
    assert "Ben" in of["at-graz"].text
    assert "1 May" in of["at-graz"].text
    assert of["se-lund"].contact == Contact()


def test_a_row_of_the_merge_table_is_a_whole_letter_and_no_formula(proposal):
    rows = list(
        csv.DictReader(StringIO(merge_csv(letters(proposal)).decode("utf-8-sig"), newline=""))
    )
    assert tuple(rows[0]) == COLUMNS
    assert [row["city_id"] for row in rows] == [card.id for card in proposal.cities]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]
    assert rows[0]["letter"].startswith("Dear ")


def test_pages_are_whole_and_run_nothing(proposal):
    files = dict(letter_files(proposal, word=True))
    pages = {name: Page(content) for name, content in files.items() if name.endswith(".html")}
    said = " ".join(page.words for page in pages.values())
    assert all(text in said for text in HOSTILE[:2])
    assert all(not page.all("script", "img", "iframe") for page in pages.values())
    linked = {a["href"] for a in pages["index.html"].all("a") if not a["href"].startswith("..")}
    assert linked == set(files) - {"index.html"}
    assert dict(letter_files(proposal, word=True)) == files


def test_no_city_has_two_first_meetings_at_once_and_none_on_a_weekend(proposal):
    friday = date(2027, 1, 15)
    found = [(meeting, start) for _, meeting, start in first_dates(proposal, friday)]
    taken = [(city, start) for meeting, start in found for city in meeting.cities()]
    assert len(taken) == len(set(taken))
    assert {start for _, start in found} == {
        datetime(2027, 1, 15, 9, tzinfo=UTC),
        datetime(2027, 1, 15, 13, tzinfo=UTC),
        datetime(2027, 1, 18, 9, tzinfo=UTC),
    }


def test_calendar_files_hold_each_meeting_with_the_contacts_that_are_known(proposal):
    given = Correspondence({"at-graz": Contact("Ada", "ada@example.org")})
    files = dict(calendar_files(proposal, given, date(2027, 1, 15)))
    assert files == dict(calendar_files(proposal, given, date(2027, 1, 15)))
    events = Calendar.from_ical(files["all.ics"]).walk("VEVENT")
    assert len(events) == len(files) - 1 == 4
    assert len({str(event["UID"]) for event in events}) == 4
    asked = [event for event in events if "ATTENDEE" in event]
    assert len(asked) == 2
    assert {str(e["ATTENDEE"]) for e in asked} == {"mailto:ada@example.org"}
    assert not [name for name in dict(letter_files(proposal)) if name.endswith(".ics")]


def test_contacts_are_read_by_id_or_name_whatever_the_case(proposal, tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_text(
        "City,E-mail,Name\ngraz,ada@example.org,Ada\n\nSE-LUND,,Ben\n", encoding="utf-8"
    )
    found = read_contacts(path, proposal)
    assert found == {"at-graz": Contact("Ada", "ada@example.org"), "se-lund": Contact("Ben", "")}


def test_a_survey_is_a_table_of_contacts_too(proposal, tmp_path):
    one, two = proposal.cities[:2]
    path = tmp_path / "survey.csv"
    path.write_text(
        "Timestamp,Which city do you represent?,Country,Your e-mail address,What would you like to learn?\n"
        f"2027-03-01 09:00,{one.name},{one.country},old@example.org,How to renovate homes quickly\n"
        f"2027-03-02 09:00,{one.name},{one.country},new@example.org,How to renovate homes quickly\n"
        f"2027-03-01 09:00,{two.name},{two.country},two@example.org,How to pay for it all together\n",
        "utf-8",
    )
    found = read_contacts(path, proposal)
    assert {city: c.email for city, c in found.items()} == {
        one.id: "new@example.org",
        two.id: "two@example.org",
    }


@pytest.mark.parametrize(
    ("table", "codes", "rows"),
    [
        ("city,name\nGrazz,Ada\nGraz,Ben\nat-graz,Cy\n", ["city-unknown", "contact-twice"], [2, 4]),
        ("who,name\nGraz,Ada\n", ["no-city-column"], [1]),
    ],
)
def test_every_problem_of_a_table_of_contacts_has_its_row(proposal, tmp_path, table, codes, rows):
    path = tmp_path / "contacts.csv"
    path.write_text(table, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_contacts(path, proposal)
    assert [problem.code for problem in caught.value.problems] == codes
    assert [problem.where.row for problem in caught.value.problems] == rows


def test_who_is_asked_for_more_hours_than_it_stated_reads_both(proposal):
    """The letter and the first page say it; nobody else reads of it."""
    rows = (
        LoadRow("at-graz", 9, None, 1, None, 0, None, 4, "guest in twinning-1"),
        LoadRow("se-lund", 12, None, 1, None, 1, None, 12, "host in twinning-1"),
    )
    ledger = Table("ledger", "What each city carries", LoadRow._fields, rows)
    changed = replace(proposal, tables=(ledger,))
    of = {letter.city: letter.text for letter in letters(changed)}
    assert [city for city, text in of.items() if "You stated" in text] == ["at-graz"]
    assert "1 city is asked for more staff hours a month" in report_html(changed).decode()


def test_a_city_is_asked_only_what_could_bring_it_a_place(proposal):
    """At most three questions, what keeps it from a place first; nothing that is merely unknown."""
    gaps = tuple(Gap("se-lund", block, "Not known.") for block in ("emissions", "participation"))
    rows = [InterviewRow("fr-lyon", 2.0, 0.5, f"Is it {n}?") for n in range(4)]
    rows += [
        InterviewRow("fr-lyon", 2.0, 0.0, "Is it in vain?"),
        InterviewRow("at-graz", 2.0, 0.5, "Placed?"),
    ]
    plan = Table("interview", "", InterviewRow._fields, tuple(rows))
    product = replace(proposal.products[0], tables=(plan,))
    made = replace(proposal, gaps=gaps, products=(product, *proposal.products[1:]))
    of = {
        x.city: [t for p in x.parts if "know" in p.heading for t in (*p.paragraphs, *p.points)]
        for x in letters(made)
    }
    assert of["fr-lyon"][0].startswith("Twinning: No host has a place.")
    assert sum(text.count("?") for text in of["fr-lyon"]) == 3
    assert of["fr-lyon"][-1] == "Is it 1?"
    assert not of["se-lund"] + of["at-graz"]


def test_what_is_said_of_a_city_is_said_to_it():
    """Only where the value that names the city is this one; parts of such a sentence follow it; own words stay."""
    own = own_words("Graz heats with gas.", "en")
    says = say("{on}{name} says: {said}", on="", name="Graz", said=own)
    assert addressed(says, "Graz") == "You say: Graz heats with gas."
    assert addressed(says, "Lund") is says
    paraphrase = own_words("A firm of ours and our neighbours run 5 lines and pay for them", "en")
    shows = say("{words:reported} (its Climate City Contract).", words=paraphrase)
    shows = say("{on}{name} can show: {said}", on="", name="Graz", said=shows)
    assert "A firm of theirs and their neighbours run 5 lines and pay for them (its" in shows
    assert addressed(shows, "Graz") == (
        "You can show: A firm of yours and your neighbours run 5 lines and pay for them (your Climate City Contract)."
    )
    works, names = "{host} works on this.", "{guest} names {named} as a challenge."
    both = joined([say(names, named="waste", guest="Graz"), say(works, host="Lund")])
    assert addressed(both, "Lund") == "Graz names waste as a challenge. You work on this."
    assert addressed(both, "Graz") == "You name waste as a challenge. Lund works on this."
    named = say("{host} works for {guest}.", host=joined(["Graz"]), guest="Lund")
    assert addressed(named, "Graz") is named
    listing = say("{cities} struggle with {area}.", cities=listed(["Graz", "Lund"]), area="waste")
    assert addressed(listing, "Graz") == "You and Lund struggle with waste."
    assert shown(addressed(both, "Graz"), "fr").startswith("Vous citez")


@pytest.mark.parametrize(("cities", "verb"), [(["Lund"], "does"), (["Lund", "Oulu"], "do")])
def test_what_is_said_to_a_city_keeps_its_number(cities, verb):
    says = "{city} names {area} as a challenge, as %s {cities}. Each is asked to bring one measure that it has tried, and its result."
    told = {"cities": listed(cities), "area": "industry", "city": "Graz"}
    text = say_n(says % "does", says % "do", len(cities), **told)
    assert addressed(text, "Graz").startswith(
        f"You name industry as a challenge, as {verb} {listed(cities)}. Please bring one measure"
    )


def test_what_many_cities_read_in_the_same_words_is_said_to_each_as_you():
    says = "The staff hours that {who} or {host} can give go to other meetings."
    text = say(says.replace("{who}", "this city"), host="Lyon")
    assert addressed(text, "Graz") == says.format(who="you", host="Lyon")


def test_cities_of_the_readers_country_come_first_and_need_none(proposal):
    sources = Sources(proposal)
    cities = [card.id for card in proposal.cities]
    home = {
        c for c in cities if sources.directory.country(c) == sources.directory.country(cities[0])
    }
    names = sources.places(sorted(cities, key=lambda c: c in home), cities[0]).split(", ")
    assert ["(" in name for name in names] == sorted("(" in name for name in names)
    assert 0 < len(home) < len(cities)
    cards = tuple(replace(card, country_name="Spain") for card in proposal.cities[1:])
    abroad = Sources(replace(proposal, cities=(proposal.cities[0], *cards)))
    said = abroad.places([card.id for card in cards], proposal.cities[0].id)
    assert said.endswith(f" and {cards[-1].name} (all Spain)")


def test_a_refusal_names_its_format_once(proposal):
    groups = next(p for p in proposal.products if p.product == "discussion_groups")
    left = LeftOut("at-graz", "No theme has enough cities.", "")
    assert _why_none(groups, left) == "Discussion groups: No theme has enough cities."
    named = replace(left, why="Discussion groups: none.")
    assert _why_none(groups, named) == "Discussion groups: none."


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (("Mette Friis", "Climate project manager", "m@odense.example"), "Mette Friis"),
        (("m@odense.example", "Mette Friis", "Climate project manager"), "Mette Friis"),
        (
            ("Collector", "c@survey.example", "Mette Friis", "Manager", "m@odense.example"),
            "Mette Friis",
        ),
        (("m@odense.example", "+45 1234"), ""),
        (("Mette Friis",), "Mette Friis"),
    ],
)
def test_a_survey_s_contact_is_greeted_by_name_and_not_by_role(said, name):
    email = "m@odense.example" if "m@odense.example" in said else ""
    assert _of_survey(said) == Contact(name, email)


def test_a_city_reads_of_its_own_condition_and_no_remark_to_the_committee():
    fails = say(
        "guests work in English at {n} or better (this city states {has})", n="B2", has="B1"
    )
    why = joined([say_n("A condition of the programme is not met: {failed}.", "", 1, failed=fails)])
    assert addressed(why, "Graz").endswith("at B2 or better (you state B1).")
    says = " In the place of {other} this city would break another rule: {row:stopless}."
    told = say("All {n} places are taken.", n=3) + say(says, other="Lund", row="At most 3.")
    assert "In the place of another guest you would break a rule: At most 3." in addressed(
        told, "Graz"
    )
    near = say(" For this city the difference is small: the committee may weigh it itself.")
    assert addressed(say("All {n} places are taken.", n=3) + near, "Graz").endswith(
        "For you the difference is small: a place that becomes free may be offered to you."
    )
