"""Words that the sample leads are made of: places with their spellings, names, companies, titles."""

from typing import NamedTuple


class Place(NamedTuple):
    """A country as people type it, its language, its campaign region and its people."""

    code: str
    spellings: tuple[str, ...]
    languages: tuple[str, ...]
    region: str | None
    cities: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    weight: int


PLACES = (
    Place(
        "DE",
        ("Germany", "Deutschland", "germany ", "GERMANY", "Allemagne"),
        ("de",),
        "DACH",
        ("Berlin", "Hamburg", "München"),
        ("Jürgen", "Sabine", "Lena", "Uwe"),
        ("Schäfer", "Krüger", "Wolf"),
        34,
    ),
    Place(
        "AT",
        ("Austria", "Österreich"),
        ("de",),
        "DACH",
        ("Wien", "Graz"),
        ("Anton", "Eva"),
        ("Gruber", "Pichler"),
        9,
    ),
    Place(
        "CH",
        ("Switzerland", "Schweiz", "Suisse"),
        ("de", "fr"),
        "DACH",
        ("Zürich", "Genève"),
        ("Reto", "Aline"),
        ("Keller", "Favre"),
        10,
    ),
    Place(
        "FR",
        ("France", "Frankreich", "FRANCE "),
        ("fr",),
        "FRA",
        ("Paris", "Lyon"),
        ("Chloé", "Hervé", "Inès"),
        ("Lefèvre", "Roux", "Petit"),
        20,
    ),
    Place(
        "GB",
        ("United Kingdom", "U.K.", "UK", "Great Britain", "England"),
        ("en",),
        "UKI",
        ("London", "Leeds"),
        ("Oliver", "Priya", "Harriet"),
        ("O'Brien", "Patel", "Wood"),
        26,
    ),
    Place("IE", ("Ireland", "Éire"), ("en",), "UKI", ("Dublin",), ("Aoife",), ("Murphy", "Byrne"), 5),
    Place(
        "ES",
        ("Spain", "España"),
        ("es",),
        "IBE",
        ("Madrid", "Sevilla"),
        ("Íñigo", "Lucía"),
        ("Peña", "Ruiz"),
        10,
    ),
    Place("PT", ("Portugal",), ("pt",), "IBE", ("Lisboa",), ("João",), ("Conceição", "Silva"), 4),
    Place(
        "IT",
        ("Italy", "Italia", "italy"),
        ("it",),
        "ITA",
        ("Milano", "Torino"),
        ("Giulia", "Paolo"),
        ("D'Amico", "Conti"),
        12,
    ),
    Place(
        "NL",
        ("Netherlands", "The Netherlands", "Holland"),
        ("nl",),
        "BNX",
        ("Utrecht",),
        ("Sanne",),
        ("van Dijk",),
        8,
    ),
    Place("BE", ("Belgium", "Belgique"), ("fr", "nl"), "BNX", ("Gent",), ("Maxime",), ("Peeters",), 4),
    Place("SE", ("Sweden", "Sverige"), ("sv",), "NOR", ("Malmö",), ("Åsa", "Björn"), ("Sjöberg",), 6),
    Place("DK", ("Denmark", "Danmark"), ("da",), "NOR", ("Aarhus",), ("Søren",), ("Jørgensen",), 4),
    Place("PL", ("Poland", "Polska"), ("pl",), None, ("Kraków",), ("Łukasz",), ("Wójcik",), 6),
    Place(
        "US",
        ("United States", "USA", "U.S.A.", "United States of America", "usa"),
        ("en",),
        "USA",
        ("Austin", "Boston", "Denver"),
        ("Taylor", "Jordan", "Mia"),
        ("Johnson", "Nguyen", "Lee"),
        36,
    ),
    Place(
        "CA",
        ("Canada",),
        ("en", "fr"),
        "USA",
        ("Toronto", "Montréal"),
        ("Noah", "Élise"),
        ("Tremblay", "Martin"),
        8,
    ),
    Place(
        "BR", ("Brazil", "Brasil"), ("pt",), "LAT", ("São Paulo",), ("Thiago", "Ana"), ("Araújo", "Souza"), 9
    ),
    Place("MX", ("Mexico", "México"), ("es",), "LAT", ("Monterrey",), ("Sofía",), ("Hernández", "Núñez"), 7),
    Place(
        "JP", ("Japan", "日本"), ("ja",), "JPN", ("Osaka", "Tokyo"), ("Yuki", "Haruto"), ("Satō", "Tanaka"), 9
    ),
    Place("AU", ("Australia",), ("en",), "ANZ", ("Perth", "Sydney"), ("Lachlan",), ("Campbell",), 6),
    Place(
        "IN",
        ("India", "Bharat"),
        ("en", "hi"),
        "IND",
        ("Pune", "Chennai"),
        ("Arjun", "Meera"),
        ("Iyer", "Shah"),
        9,
    ),
    Place("SG", ("Singapore",), ("en", "zh"), None, ("Singapore",), ("Wei Ling",), ("Tan",), 4),
)

UNKNOWN_COUNTRIES = ("Untied Kingdom", "Asia/Pacific Region", "unknown", "Neverland")
UNKNOWN_PRODUCTS = ("Time Machine", "Other (see comment)", "Analitycs 360")
COMPANY_WORDS = (
    "Blue River",
    "Northgate",
    "Kestrel",
    "Alder",
    "Vantage",
    "Quill",
    "Summit",
    "Harbor",
    "Lumen",
    "Orchard",
    "Granite",
    "Beacon",
    "Juniper",
    "Meridian",
    "Falcon",
    "Cobalt",
    "Willow",
    "Atlas",
    "Copper",
    "Saffron",
)
COMPANY_KINDS = (
    "Foods",
    "Logistics",
    "Health",
    "Energy",
    "Textiles",
    "Media",
    "Tools",
    "Insurance",
    "Labs",
    "Retail",
    "Robotics",
    "Travel",
)
TITLES = (
    "Head of Sales",
    "CFO",
    "IT Manager",
    "Operations Director",
    "Founder",
    "Marketing Manager",
    "Buyer",
    None,
)
INDUSTRIES = (
    "Healthcare",
    "Retail",
    "Manufacturing",
    "Banking",
    "Technology",
    "Education",
    "Energy",
    "Media",
)
SOURCES = ("Web", "Web", "Web", "Phone Inquiry", "Partner Referral", "Trade Show", "Webinar", "Advertisement")
