"""What the sheet Read me says: (kind, texts of the columns)."""

from __future__ import annotations

from typing import Final

READ_ME: Final[tuple[tuple[str, ...], ...]] = (
    ("title", "Routing tables"),
    (
        "text",
        "Who gets which lead. Edit the sheets, save the file; the next run uses it if no error is found.",
    ),
    ("text", ""),
    ("heading", "The sheets"),
    ("header", "Sheet", "What it holds", "Good to know"),
    (
        "row",
        "Settings",
        "What holds for the whole workbook.",
        "Contact is whom to ask; Time zone is for From and Until.",
    ),
    (
        "row",
        "Layers",
        "The sheets of rules, in the order they are asked.",
        "Add a layer by adding a sheet and a row here.",
    ),
    (
        "row",
        "Campaign, Country, Product, Team",
        "The rules. In each sheet the first row, by Order, whose If cells all hold wins.",
        "Then cells set facts that later layers read, or decide: Then Team, Then Owner or Then Hold. "
        "A row that decides ends the search.",
    ),
    (
        "row",
        "Teams",
        "Each team, what happens if nobody in it can take a lead, and how its turns go.",
        "hold, queue, or fallback team. A blank choice is what most teams want.",
    ),
    ("row", "Salespeople", "One row per person and team.", "Weight 2 gets twice as many leads as weight 1."),
    (
        "row",
        "Absences",
        "Who is away; both days are included.",
        "Person is a Person ID, an e-mail or a full name.",
    ),
    (
        "row",
        "Facts",
        "What rules may ask about a lead, and of which type it is.",
        "text, closed, number or date.",
    ),
    (
        "row",
        "Values",
        "The known campaigns, products and further spellings.",
        "Code (none): these mean nothing was said.",
    ),
    ("row", "Groups", "Names for sets of values, such as @DACH.", "Use them in any If cell of their fact."),
    (
        "row",
        "Owner overrides",
        "Companies whose leads always go to one person.",
        "By domain or by Account ID.",
    ),
    (
        "row",
        "Fields",
        "Which marketing field is kept in step with which field of the CRM.",
        "push, pull or two-way. Lead Field counts until a Lead is converted, the others afterwards.",
    ),
    ("text", ""),
    ("heading", "How to write an If cell: six examples"),
    ("header", "You type", "It means", "Remember"),
    ("row", "DE, AT, CH", "One of the three.", "A comma, a semicolon or a new line is an or."),
    (
        "row",
        "@DACH, not CH",
        "In the group @DACH, but not CH.",
        "not takes away, wherever it stands in the cell.",
    ),
    (
        "row",
        "WEB-2026-*",
        "Begins with WEB-2026-.",
        "* is any run of letters, ? is one letter; in text columns only.",
    ),
    (
        "row",
        "(none)",
        "The lead says nothing about it.",
        "A blank cell is an error: * is any value, also none.",
    ),
    ("row", "50..249", "A number from 50 to 249.", "Also >=1000 or <50. Dates are 2026-01-01..2026-03-31."),
    (
        "row",
        '"Korea, Republic of"',
        "One value with a comma in it.",
        "Quotes make everything inside them plain text.",
    ),
    ("text", ""),
    ("heading", "Check before you rely on it"),
    ("header", "You do", "You get", "Remember"),
    (
        "row",
        "Save this file as NAME.draft.xlsx beside it",
        "A mail with every wrong cell, and what would change.",
        "A draft is never used. Rename it when you are content.",
    ),
    (
        "row",
        "allocator tables check routing_tables.xlsx",
        "Every wrong cell, and what to type.",
        "While a file is refused the last good one runs on.",
    ),
    (
        "row",
        "allocator tables mark routing_tables.xlsx",
        "A copy with the wrong cells in colour and a note at each.",
        "Mend this file, not the copy.",
    ),
    ("text", ""),
    ("heading", "What the colours mean"),
    (
        "row",
        "Red",
        "A cell that must not be blank, or says what another row says.",
        "The check sees much more.",
    ),
    ("row", "Grey", "A row that is not active.", "It is as if it were not there."),
    ("row", "Grey and struck out", "A row whose last day is over.", "Delete it, or correct Until or End."),
    ("text", ""),
    ("heading", "What a spreadsheet may do to your text"),
    (
        "text",
        "Cells are text, so that 007 stays 007 and MAR-1 is no date. No formulas, no merged cells.",
    ),
    (
        "text",
        "A header that begins with # makes a column of notes. Click on a cell to see what its column wants.",
    ),
    ("text", ""),
    ("heading", "Whom to ask"),
    ("text", "{contact}"),
)
