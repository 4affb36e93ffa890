"""What each column of a new workbook is for: its format, its dropdown, and the help its cells show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from rules.default_fields import SOURCES
from rules.model import FactType
from rules.vocabulary import fact_key

Form = Literal["text", "number", "date"]

RULES: Final = "(rules)"
"""Stands for any sheet of rules."""
TEAMS, PEOPLE, FACTS, GROUPS = "Team_names", "People", "Fact_names", "Group_names"
BLANK_IS_WRONG: Final = "Blank_is_wrong"
LISTS: Final = {
    TEAMS: ("Teams", "Team"),
    PEOPLE: ("Salespeople", "Name"),
    FACTS: ("Facts", "Fact"),
    GROUPS: ("Groups", "Group"),
}
"""Each defined name of a dropdown, and the sheet and column whose filled cells it offers."""
YES_NO: Final = '"yes,no"'
_CHARGE: Final = '"charge,free"'
_DAY: Final = "A day as year-month-day, such as 2026-12-24."


@dataclass(frozen=True, slots=True)
class Column:
    """`choices` is a defined name or a list in quotes. Other texts ask back, unless the list is `open`.

    A `unique` text stands in one row only; a `needed` one in each row that says anything.
    """

    help: str = ""
    form: Form = "text"
    choices: str = ""
    open: bool = False
    needed: bool = False
    unique: bool = False


_IF: Final[dict[FactType, str]] = {
    "text": "What the lead must say: a value, several with commas, WEB-2026-*, @GROUP, not X, (none), or * "
    "for anything. Quotes around a value with a comma in it.",
    "closed": "What the lead must say: a code or name, several with commas, @GROUP, not X, (none), or * for "
    "anything. Unknown values are refused.",
    "number": "What the number must be: 50, 50..249, >=1000, <50, (none), or * for anything. No thousands "
    "marks and no units.",
    "date": "What the day must be: 2026-01-31, 2026-01-01..2026-03-31, >=2026-07-01, (none), or * for "
    "anything.",
}
_SETS: Final = "A word of your own, or blank. Later layers may ask for it in a column If {name}."

_COLUMNS: Final[Mapping[tuple[str, str], Column]] = {
    ("Settings", "Setting"): Column(
        "What is set. The name is not yours to change.", needed=True, unique=True
    ),
    ("Settings", "Value"): Column("What it is set to; column Note says what is possible."),
    ("Layers", "Order"): Column("A number. The layers are asked from low to high.", "number", needed=True),
    ("Layers", "Layer"): Column("The layer's name, as explanations show it.", needed=True, unique=True),
    ("Layers", "Sheet"): Column(
        "The sheet with the layer's rules, as its tab says it.", needed=True, unique=True
    ),
    ("Layers", "When nothing matches"): Column(
        "continue goes on with the next layer; hold holds the lead.", choices='"continue,hold"', needed=True
    ),
    (RULES, "Active"): Column(
        "yes, or no: then the row is as if it were not there.", choices=YES_NO, needed=True
    ),
    (RULES, "Order"): Column(
        "A number, another one in each row. The lowest row that fits wins; 12.5 fits between 12 and 13.",
        "number",
        needed=True,
        unique=True,
    ),
    (RULES, "Rule ID"): Column(
        "The rule's name, another one in each row of the workbook. Keep it when you change the rule.",
        needed=True,
        unique=True,
    ),
    (RULES, "Then Team"): Column(
        "The team that gets the lead, or blank. Only one of Then Team, Then Owner and Then Hold.",
        choices=TEAMS,
    ),
    (RULES, "Then Owner"): Column(
        "The person who gets the lead, outside the turns, or blank.", choices=PEOPLE
    ),
    (RULES, "Then Hold"): Column("Why the lead is held, in words that its readers understand, or blank."),
    (RULES, "Then Language"): Column(
        "The language that the taker must speak, by its code, such as de, or blank. One of Languages on "
        "Salespeople."
    ),
    (RULES, "Then Tags"): Column("What the taker must have in Tags on sheet Salespeople, or blank."),
    (RULES, "Then Lane"): Column("A rotation of its own inside the team, such as hot, or blank."),
    (RULES, "From"): Column(f"The rule's first day, or blank. {_DAY}", "date"),
    (RULES, "Until"): Column(f"The rule's last day, itself included, or blank. {_DAY}", "date"),
    ("Teams", "Team"): Column("The team's name. Rules and salespeople name it so.", needed=True, unique=True),
    ("Teams", "Time zone"): Column("Such as Europe/Berlin: for the team's days. Blank: that of Settings."),
    ("Teams", "If nobody can"): Column(
        "hold keeps the lead until somebody can; queue gives it to CRM queue ID; fallback team to the team "
        "beside.",
        choices='"hold,queue,fallback team"',
        open=True,
    ),
    ("Teams", "Fallback team"): Column("With fallback team: which team then has its turn.", choices=TEAMS),
    ("Teams", "CRM queue ID"): Column("With queue: the queue's id in the CRM, 18 characters from 00G on."),
    ("Teams", "Alert e-mail"): Column("Who is told when nobody can, or blank."),
    ("Teams", "Fairness"): Column(
        "turns: equal chances among those who can take a lead; totals: evens out the totals of all who are "
        "there. Blank is turns.",
        choices='"turns,totals"',
    ),
    ("Teams", "Limit"): Column(
        "Leads, 1 to 1000: so far may anybody be ahead of or behind their share. Blank is 5.", "number"
    ),
    ("Teams", "After absence"): Column(
        "none: who returns goes on where they stood; catch up: they get extra leads. Blank is none.",
        choices='"none,catch up"',
    ),
    ("Teams", "Catch-up rate"): Column(
        "How much of what was missed: 50 %, or by absence type, such as Sick: 100 %, 0 %. Blank is 100 %."
    ),
    ("Teams", "Catch-up cap"): Column(
        "The most extra leads for one absence: 5, or by absence type, such as Sick: 20, 5. Blank is 10."
    ),
    ("Teams", "Catch-up expiry"): Column(
        "Days after the absence until which extra leads are given: 60, or by absence type. Blank is 30."
    ),
    ("Teams", "Catch-up pace"): Column(
        "Extra leads in a row, before others have a turn: 2, or by absence type. Blank is 1."
    ),
    ("Teams", "Taken by hand"): Column(
        "A lead that somebody takes themselves: charge counts it as their turn, free does not. Blank is "
        "charge.",
        choices=_CHARGE,
    ),
    ("Teams", "Owner override"): Column(
        "A lead that goes to somebody because of its company or e-mail: charge counts it as their turn, free "
        "does not. Blank is free.",
        choices=_CHARGE,
    ),
    ("Teams", "Reject"): Column(
        "A lead that somebody gives back: charge keeps it as their turn, refund does not. Blank is charge.",
        choices='"charge,refund"',
    ),
    ("Teams", "Delegate"): Column(
        "Whose turn it is when a delegate serves for who is away: absentee or delegate; none: nobody serves. "
        "Blank is none.",
        choices='"none,absentee,delegate"',
        open=True,
    ),
    ("Teams", "Lane"): Column(
        "by lane: turns of their own in each Then Lane of the rules; one lane: the same turns for all. Blank "
        "is by lane.",
        choices='"by lane,one lane"',
    ),
    ("Teams", "Holiday calendar"): Column(
        "On its public holidays nobody gets leads: a country such as DE, or a part such as DE-BY. Blank is "
        "none."
    ),
    ("Teams", "Working hours"): Column(
        "Such as Mon-Fri 09:00-17:30; several with semicolons; or always. Blank: those of Settings."
    ),
    ("Teams", "Outside hours"): Column(
        "A lead outside working hours: wait until hours begin, or next: it goes at once to who works next. "
        "Blank is wait.",
        choices='"wait,next"',
    ),
    ("Salespeople", "Person ID"): Column(
        "For ever this person's, since turns and credits belong to it. Somebody in two teams has two rows "
        "with the same Person ID.",
        needed=True,
    ),
    ("Salespeople", "Name"): Column("Full name; other sheets may name the person so.", needed=True),
    ("Salespeople", "E-mail"): Column("The person's own address.", needed=True),
    ("Salespeople", "CRM user ID"): Column(
        "The user's id in the CRM, 18 characters from 005 on.", needed=True
    ),
    ("Salespeople", "Team"): Column("One team. A second team is a second row.", choices=TEAMS, needed=True),
    ("Salespeople", "Weight"): Column("Whole number: 2 gets twice as many leads as 1. Blank is 1.", "number"),
    ("Salespeople", "Daily cap"): Column("At most so many leads a day. Blank is no limit.", "number"),
    ("Salespeople", "Weekly cap"): Column(
        "At most so many leads from Monday on. Blank is no limit.", "number"
    ),
    ("Salespeople", "Languages"): Column("Codes with commas, such as de, en."),
    ("Salespeople", "Tags"): Column("Words of your own, with commas. Rules may ask for them in Then Tags."),
    ("Salespeople", "Active"): Column(
        "yes, or no: gets no leads. For holidays use sheet Absences.", choices=YES_NO, needed=True
    ),
    ("Salespeople", "Start"): Column(f"The first day with leads, or blank. {_DAY}", "date"),
    ("Salespeople", "End"): Column(f"The last day with leads, or blank. {_DAY}", "date"),
    ("Salespeople", "Working hours"): Column(
        "Their own, such as Mon-Wed 09:00-15:00, or always. Blank: the team's."
    ),
    ("Absences", "Person"): Column(
        "Full name, Person ID or e-mail address.", choices=PEOPLE, open=True, needed=True
    ),
    ("Absences", "From"): Column(f"The first day away. {_DAY}", "date", needed=True),
    ("Absences", "Until"): Column(f"The last day away, itself included. {_DAY}", "date", needed=True),
    ("Absences", "Type"): Column("A word of your own, such as holiday."),
    ("Absences", "Delegate"): Column(
        "Who gets their leads meanwhile, where the team's Delegate allows it, or blank.",
        choices=PEOPLE,
        open=True,
    ),
    ("Facts", "Fact"): Column(
        "What a lead may say. A new one also needs a field in the configuration, or a column Then ...",
        needed=True,
        unique=True,
    ),
    ("Facts", "Type"): Column(
        "closed takes only values that sheet Values lists (or countries).",
        choices='"text,closed,number,date"',
        needed=True,
    ),
    ("Facts", "Known values"): Column(
        "The codes in one cell, with commas; sheet Values can say more of each."
    ),
    ("Values", "Fact"): Column("Whose value it is.", choices=FACTS, needed=True),
    ("Values", "Code"): Column(
        "The value as rules write it. (none): the aliases mean that nothing was said.", needed=True
    ),
    ("Values", "Name"): Column("Another spelling, for people. Leads that say it are read as the code."),
    ("Values", "Aliases"): Column("More spellings, with commas or semicolons between them."),
    ("Values", "From"): Column(f"The value's first day, or blank. {_DAY}", "date"),
    ("Values", "Until"): Column(f"The value's last day, or blank. {_DAY}", "date"),
    ("Groups", "Group"): Column("A name that begins with @, such as @DACH.", needed=True, unique=True),
    ("Groups", "Fact"): Column("Whose values they are.", choices=FACTS, needed=True),
    ("Groups", "Members"): Column("The values, with commas. No not, no other group.", needed=True),
    ("Owner overrides", "Company domain or Account ID"): Column(
        "The domain of the company's e-mail addresses, such as globex.example, or the Account's id.",
        needed=True,
        unique=True,
    ),
    ("Owner overrides", "Person"): Column("Who gets their leads.", choices=PEOPLE, open=True, needed=True),
    ("Owner overrides", "Until"): Column(f"The last day, or blank: for ever. {_DAY}", "date"),
    ("Fields", "Marketing Field"): Column(
        "The field's internal name in the marketing system, such as firstname.", needed=True
    ),
    ("Fields", "Lead Field"): Column(
        "The CRM's API name, such as FirstName. Blank: not carried while the person is a Lead."
    ),
    ("Fields", "Contact Field"): Column(
        "The CRM's API name, such as MailingCity. Blank: not carried to the Contact that a Lead became."
    ),
    ("Fields", "Account Field"): Column(
        "The API name of a field of the Contact's Account, such as Name, or blank."
    ),
    ("Fields", "Direction"): Column(
        "push: marketing to CRM; pull: CRM to marketing; two-way: whichever has changed.",
        choices='"push,pull,two-way"',
        needed=True,
    ),
    ("Fields", "Rule"): Column(
        "overwrite; only if empty: fills blanks; never: only a new record gets the value. Blank is "
        "overwrite.",
        choices='"overwrite,only if empty,never"',
    ),
    ("Fields", "Source"): Column(
        "The marketing system that the row is about. Blank is all of them.",
        choices=f'"{",".join(SOURCES)}"',
    ),
}

SETTING_CHOICES: Final = {
    "blank means any": YES_NO,
    "same e-mail": '"owner,hold,ignore"',
    "known account": '"owner,ignore"',
}
"""The dropdown of a setting's value, by its name in lower case."""


def column_of(title: str, header: str, *, is_rules: bool, types: Mapping[str, FactType]) -> Column:
    """The guide to one column; `types` are those of the facts, by `fact_key`."""
    found = _COLUMNS.get((RULES if is_rules else title, header))
    if found is not None or not is_rules:
        return found or Column()
    start, _, name = header.partition(" ")
    if start == "If":
        kind = types.get(fact_key(name), "text")
        return Column(_IF[kind], choices=GROUPS if kind in ("text", "closed") else "", open=True, needed=True)
    return Column(_SETS.format(name=name)) if start == "Then" else Column()
