"""Writes countries.json from Babel's territory names: `python rules/data/build_countries.py`.

Needs the development dependency Babel (its data: Unicode CLDR, Unicode licence v3). The product reads the
file only.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import babel
from babel import Locale
from babel.core import get_global
from babel.localedata import locale_identifiers

from rules.fold import fold

FILE = Path(__file__).with_name("countries.json")

# In CLDR, but no country of ISO 3166-1: exceptional reservations, unions and pseudo regions. XK (Kosovo)
# stays: people use it.
NOT_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
# alpha-3 codes that were withdrawn, and those of more than one country today, name no country here.
WITHDRAWN = {"ANT", "BUR", "DDR", "FXX", "NTZ", "SCG", "SUN", "TMP", "YMD", "YUG", "ZAR"}

# What people type and no CLDR name says. Each was reviewed: it names one country to everybody who types it
# into a country field. Parts of a country that are typed as the country (England) count; states and cities
# do not.
TYPED: dict[str, str] = {
    "AE": "UAE; U.A.E.; Emirates",
    "BA": "Bosnia; Bosnia-Herzegovina; Bosnia Herzegovina",
    "BN": "Brunei Darussalam",
    "BO": "Bolivia, Plurinational State of; Plurinational State of Bolivia",
    "BQ": "Bonaire, Sint Eustatius and Saba",
    "BR": "Brasil; Federative Republic of Brazil",
    "BS": "Commonwealth of the Bahamas",
    "CD": "DRC; D.R.C.; DR Congo; D.R. Congo; Democratic Republic of the Congo; "
    "Democratic Republic of Congo; Congo, Democratic Republic of the; "
    "Congo, the Democratic Republic of the; Congo-Kinshasa; Congo (DRC); Zaire",
    "CG": "Republic of the Congo; Congo, Republic of; Congo, Republic of the; Congo (Republic)",
    "CH": "Swiss Confederation",
    "CI": "Ivory Coast; Cote d Ivoire; Cote dIvoire",
    "CN": "P.R. China; PR China; PRC; P.R.C.; People's Republic of China; China, People's Republic of; "
    "Mainland China; China mainland; P. R. China",
    "CV": "Cape Verde",
    "CZ": "Czech Republic; The Czech Republic; Czechia",
    "DE": "Federal Republic of Germany; Germany, Federal Republic of; BRD; Bundesrepublik Deutschland",
    "DO": "Dominican Rep.; Dominican Rep",
    "FK": "Falkland Islands (Malvinas); Falklands",
    "FM": "Micronesia, Federated States of; Federated States of Micronesia",
    "GB": "UK; U.K.; U.K; U. K.; The UK; United Kingdom of Great Britain and Northern Ireland; "
    "Great Britain; Britain; England; Scotland; Wales; Northern Ireland; England, UK; "
    "Scotland, UK; Wales, UK; Northern Ireland, UK; UK (England); UK (Scotland); UK (Wales); "
    "UK (Northern Ireland); England (UK); Scotland (UK); Wales (UK); United Kingdom (England); "
    "United Kingdom (Scotland); United Kingdom (Wales); United Kingdom (UK); "
    "Wales (United Kingdom); England (United Kingdom); Scotland (United Kingdom); UK of GB and NI; "
    "United Kingdom.",
    "GM": "Gambia, The; Gambia, Republic of The",
    "HK": "Hong Kong; Hongkong; Hong Kong SAR; Hong Kong S.A.R.; Hong Kong, China; HKSAR",
    "IE": "Republic of Ireland; Eire; Ireland, Republic of; Ireland (Republic)",
    "IR": "Iran, Islamic Republic of; Islamic Republic of Iran",
    "KP": "North Korea; DPRK; Korea, Democratic People's Republic of; "
    "Democratic People's Republic of Korea; Korea (North); Korea, North",
    "KR": "South Korea; S. Korea; S Korea; Korea, Republic of; Republic of Korea; Korea (Republic of); "
    "Korea, South; Korea (South); Korea Republic; Korea Rep.; ROK; R.O.K.; Korea",
    "LA": "Lao PDR; Lao People's Democratic Republic",
    "LY": "Libyan Arab Jamahiriya",
    "MD": "Moldova, Republic of; Republic of Moldova",
    "MK": "Macedonia; FYROM; F.Y.R.O.M.; Republic of Macedonia; "
    "Macedonia, the former Yugoslav Republic of; The former Yugoslav Republic of Macedonia; "
    "Republic of North Macedonia",
    "MM": "Burma; Myanmar; Burma (Myanmar)",
    "MO": "Macau; Macao; Macau SAR; Macao SAR; Macao S.A.R.",
    "NL": "Holland; Nederland; Kingdom of the Netherlands; Netherlands, The; Netherland",
    "NZ": "N.Z.; Aotearoa",
    "PS": "Palestine; State of Palestine; Palestine, State of; Palestinian Territory, Occupied; "
    "Occupied Palestinian Territory",
    "PG": "P.N.G.",
    "RE": "Reunion Island",
    "RU": "Russia; Russian Federation; The Russian Federation",
    "SA": "K.S.A.; Kingdom of Saudi Arabia; Saudi",
    "SH": "Saint Helena, Ascension and Tristan da Cunha",
    "SK": "Slovak Republic; The Slovak Republic",
    "ST": "Sao Tome and Principe",
    "SY": "Syrian Arab Republic",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "TR": "Turkey; Türkiye; Turkiye; Republic of Turkey; Republic of Türkiye",
    "TW": "Taiwan; Taiwan, Province of China; Taiwan, R.O.C.; Taiwan (R.O.C.); "
    "Taiwan, Republic of China; Chinese Taipei",
    "TZ": "Tanzania, United Republic of; United Republic of Tanzania",
    "US": "US; U.S.; U.S; U. S.; U. S; USA; U.S.A.; U.S.A; U. S. A.; U.SA; The US; The USA; The U.S.; "
    "The U.S.A.; US of A; United States; The United States; United States of America; "
    "The United States of America; America; UnitedStates; United States (USA); United States (US); "
    "United States, America; USA (United States)",
    "VA": "Holy See; Vatican; Holy See (Vatican City State)",
    "VE": "Venezuela, Bolivarian Republic of; Bolivarian Republic of Venezuela",
    "VG": "Virgin Islands, British; Virgin Islands (British); BVI",
    "VI": "Virgin Islands, U.S.; Virgin Islands (U.S.); USVI",
    "VN": "Viet Nam; Socialist Republic of Vietnam; Socialist Republic of Viet Nam",
    "ZA": "R.S.A.; RSA; Republic of South Africa",
}


# Right in some language, and something else to many people who type it: never guessed.
DROPPED = frozenset(
    {
        "jersey island",
        "virgin islands",
        "channel islands",
        "antilles",
        "antilles yr iseldiroedd",
        "congo",
        "nigeri",
        "kongo",
        "norfolk",
        "سانت مارتن",
        "เซนต์มาร์ติน",
    }
)


def build() -> dict[str, Any]:
    """What countries.json holds: English names, alpha-3 codes, folded names, and the folded names left
    out."""
    english = {c: n for c, n in Locale("en").territories.items() if _is_country(c)}
    names, ambiguous = _resolve(_names(set(english)), set(english))
    return {
        "source": f"Babel {babel.__version__} (Unicode CLDR, Unicode-3.0) and the list in build_countries.py",
        "english": dict(sorted(english.items())),
        "alpha3": _alpha3(set(english)),
        "names": names,
        "ambiguous": ambiguous,
    }


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES


def _alpha3(codes: set[str]) -> dict[str, str]:
    aliases: Mapping[str, list[str]] = get_global("territory_aliases")
    found = {"XKX": "XK"}
    for three, twos in aliases.items():
        if (
            len(three) == 3
            and three.isalpha()
            and three not in WITHDRAWN
            and len(twos) == 1
            and twos[0] in codes
        ):
            found.setdefault(three, twos[0])
    return {k: v for k, v in sorted(found.items()) if not k.startswith("X") or k == "XKX"}


def _names(codes: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for identifier in sorted(locale_identifiers()):
        for code, name in Locale.parse(identifier).territories.items():
            if code in codes:
                found[fold(name)].add(code)
    return found


def _resolve(found: dict[str, set[str]], codes: set[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """A name with one country is kept, a reviewed one wins, one that is another country's code is left
    out."""
    typed = {fold(name): code for code, names in TYPED.items() for name in names.split(";")}
    names: dict[str, str] = {}
    ambiguous: dict[str, list[str]] = {}
    for name in sorted(found | {n: {c} for n, c in typed.items()}):
        owners = {typed[name]} if name in typed else found[name]
        is_other_code = name.upper() in codes and owners != {name.upper()}
        if name in DROPPED or is_other_code or len(owners) > 1:
            ambiguous[name] = sorted(owners)
        else:
            (names[name],) = owners
    return names, ambiguous


def dumps(content: dict[str, Any]) -> str:
    """The file's text: one name a line, so that a newer Babel shows as a readable difference."""
    return json.dumps(content, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(dumps(build()), encoding="utf-8", newline="\n")
    sys.stdout.write(f"wrote {FILE}\n")
