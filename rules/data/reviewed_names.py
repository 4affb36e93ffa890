"""What no list of names says about countries: what people type, official forms, and what names too many.

Each entry was reviewed: it names one country to everybody who types it into a country field. Parts of a
country that are typed as the country (England) count; states, cities and peoples (`Dutch`) do not.
"""

from __future__ import annotations

TYPED: dict[str, str] = {
    "AE": "UAE; U.A.E.; Emirates",
    "AR": "Argentine Republic",
    "BA": "Bosnia and Herzegowina; Bosnia; Bosnia-Herzegovina; Bosnia Herzegovina",
    "BF": "Upper Volta",
    "BJ": "Dahomey",
    "BN": "Brunei Darussalam",
    "BO": "Bolivia, Plurinational State of; Plurinational State of Bolivia",
    "BQ": "Bonaire, Sint Eustatius and Saba",
    "BR": "Brasil; Federative Republic of Brazil",
    "BS": "Commonwealth of the Bahamas",
    "BY": "Byelorussia; Belorussia",
    "CD": "DRC; D.R.C.; DR Congo; D.R. Congo; Democratic Republic of the Congo; "
    "Democratic Republic of Congo; Congo, Democratic Republic of the; "
    "Congo, the Democratic Republic of the; Congo-Kinshasa; Congo (DRC); Zaire",
    "CF": "C.A.R.; Central African Rep.",
    "CG": "Republic of the Congo; Congo, Republic of; Congo, Republic of the; Congo (Republic)",
    "CH": "Swiss Confederation",
    "CI": "Cote d'Ivoire (Ivory Coast); Ivory Coast; Cote d Ivoire; Cote dIvoire",
    "CN": "P.R. China; PR China; PRC; P.R.C.; People's Republic of China; China, People's Republic of; "
    "Mainland China; China mainland; P. R. China",
    "CU": "Republic of Cuba",
    "CV": "Cape Verde",
    "CZ": "Czech Republic; The Czech Republic; Czechia",
    "DE": "Federal Republic of Germany; Germany, Federal Republic of; BRD; Bundesrepublik Deutschland",
    "DO": "Dominican Rep.; Dominican Rep",
    "FK": "Falkland Islands (Malvinas); Falklands",
    "FM": "Micronesia, Federated States of; Federated States of Micronesia",
    "FO": "Faeroe Islands",
    "FR": "French Republic; Metropolitan France",
    "GA": "Gabonese Republic",
    "GB": "UK; U.K.; U.K; U. K.; The UK; United Kingdom of Great Britain and Northern Ireland; "
    "Great Britain; Britain; England; Scotland; Wales; Northern Ireland; England, UK; "
    "Scotland, UK; Wales, UK; Northern Ireland, UK; UK (England); UK (Scotland); UK (Wales); "
    "UK (Northern Ireland); England (UK); Scotland (UK); Wales (UK); United Kingdom (England); "
    "United Kingdom (Scotland); United Kingdom (Wales); United Kingdom (UK); "
    "Wales (United Kingdom); England (United Kingdom); Scotland (United Kingdom); UK of GB and NI; "
    "United Kingdom.",
    "GF": "French Guyana",
    "GM": "Gambia, The; Gambia, Republic of The",
    "GR": "Hellenic Republic",
    "GS": "South Georgia & South Sandwich Is.",
    "GW": "Guinea Bissau",
    "HK": "Hong Kong; Hongkong; Hong Kong SAR; Hong Kong S.A.R.; Hong Kong, China; HKSAR",
    "HM": "Heard and McDonald Islands",
    "IE": "Republic of Ireland; Eire; Ireland, Republic of; Ireland (Republic)",
    "IM": "Man, Isle of",
    "IR": "Iran, Islamic Republic of; Islamic Republic of Iran",
    "IT": "Italian Republic",
    "JO": "Hashemite Kingdom of Jordan",
    "KG": "Kyrgyz Republic",
    "KH": "Kampuchea",
    "KN": "Saint Kitts-Nevis; St Kitts-Nevis",
    "KP": "North Korea; DPRK; Korea, Democratic People's Republic of; "
    "Democratic People's Republic of Korea; Korea (North); Korea, North",
    "KR": "South Korea; S. Korea; S Korea; Korea, Republic of; Republic of Korea; Korea (Republic of); "
    "Korea, South; Korea (South); Korea Republic; Korea Rep.; ROK; R.O.K.; Korea",
    "KZ": "Kazakstan",
    "LA": "Lao PDR; Lao People's Democratic Republic",
    "LB": "Lebanese Republic",
    "LK": "Ceylon",
    "LY": "Libyan Arab Jamahiriya",
    "MD": "Moldova, Republic of; Republic of Moldova",
    "MF": "Saint Martin (French part); St. Martin (French part)",
    "MK": "Macedonia; FYROM; F.Y.R.O.M.; Republic of Macedonia; "
    "Macedonia, the former Yugoslav Republic of; The former Yugoslav Republic of Macedonia; "
    "Republic of North Macedonia",
    "MM": "Republic of the Union of Myanmar; Burma; Myanmar; Burma (Myanmar)",
    "MO": "Macau; Macao; Macau SAR; Macao SAR; Macao S.A.R.",
    "NL": "Holland; Nederland; Kingdom of the Netherlands; Netherlands, The; Netherland",
    "NZ": "N.Z.; Aotearoa",
    "PF": "French Polynesia (Tahiti)",
    "PS": "Palestine; State of Palestine; Palestine, State of; Palestinian Territory, Occupied; "
    "Occupied Palestinian Territory",
    "PG": "P.N.G.",
    "PT": "Portuguese Republic",
    "RE": "La Reunion; Reunion Island",
    "RU": "Russia; Russian Federation; The Russian Federation",
    "SA": "K.S.A.; Kingdom of Saudi Arabia; Saudi",
    "SH": "Saint Helena, Ascension and Tristan da Cunha",
    "SJ": "Svalbard and Jan Mayen Islands",
    "SK": "Slovak Republic; The Slovak Republic",
    "SR": "Surinam",
    "ST": "Sao Tome and Principe",
    "SX": "Sint Maarten (Dutch part)",
    "SY": "Syrian Arab Republic",
    "SZ": "Swaziland",
    "TG": "Togolese Republic",
    "TL": "Timor-Leste (East Timor); East Timor",
    "TN": "Tunisian Republic",
    "TR": "Turkey; Türkiye; Turkiye; Republic of Turkey; Republic of Türkiye",
    "TW": "Taiwan; Taiwan, Province of China; Taiwan, R.O.C.; Taiwan (R.O.C.); "
    "Taiwan, Republic of China; Chinese Taipei",
    "TZ": "Tanzania, United Republic of; United Republic of Tanzania",
    "US": "US; U.S.; U.S; U. S.; U. S; USA; U.S.A.; U.S.A; U. S. A.; U.SA; The US; The USA; The U.S.; "
    "The U.S.A.; US of A; United States; The United States; United States of America; "
    "The United States of America; America; UnitedStates; United States (USA); United States (US); "
    "United States, America; USA (United States)",
    "VA": "Vatican City State; Holy See; Vatican; Holy See (Vatican City State)",
    "VE": "Venezuela, Bolivarian Republic of; Bolivarian Republic of Venezuela",
    "VG": "Virgin Islands, British; Virgin Islands (British); BVI",
    "VI": "United States Virgin Islands; U.S. Virgin Islands; Virgin Islands, U.S.; "
    "Virgin Islands (U.S.); USVI",
    "VN": "Viet Nam; Socialist Republic of Vietnam; Socialist Republic of Viet Nam",
    "WF": "Wallis and Futuna Islands",
    "WS": "Western Samoa",
    "ZA": "R.S.A.; RSA; Republic of South Africa",
}

REPUBLICS = (
    "AL AM AO AT AZ BG BI BJ BO BW BY CF CI CL CM CO CR CU CV CY DJ EC EE FI FJ FR GA GE GH GM GN GQ GT "
    "GW HN HR HT HU ID IE IN IQ IS IT KE KG KI KZ LB LR LT LV MD ME MG MH MK ML MM MN MT MU MV MW MZ NA "
    "NE NG NI NR PA PE PH PL PT PW PY RO RS RW SC SD SG SI SL SM SN SR SS TD TG TH TJ TM TN TR TT UG UZ "
    "VE VU XK YE ZA ZM ZW"
)
KINGDOMS = "BE BH BT DK ES KH LS MA NL NO SA SE SZ TH TO"

FORMS: dict[str, dict[str, str]] = {
    "en": {
        "Republic of": REPUBLICS,
        "Kingdom of": KINGDOMS,
        "State of": "ER IL KW LY PS QA",
        "Commonwealth of": "AU BS DM",
        "Principality of": "AD LI MC",
        "Sultanate of": "OM",
        "Grand Duchy of": "LU",
        "Federal Republic of": "BR DE NG SO",
        "Federal Democratic Republic of": "ET NP",
        "Islamic Republic of": "AF GM IR MR PK",
        "People's Republic of": "BD",
        "Democratic Republic of": "ST TL",
        "People's Democratic Republic of": "DZ",
        "Democratic Socialist Republic of": "LK",
        "Socialist Republic of": "VN",
        "Arab Republic of": "EG",
        "Co-operative Republic of": "GY",
        "Independent State of": "PG WS",
        "Union of": "KM",
        "Hashemite Kingdom of": "JO",
        "Oriental Republic of": "UY",
        "Territory of": "CC CX NF",
        "Collectivity of": "BL MF",
        "Bailiwick of": "GG JE",
    },
    "de": {"Republik": REPUBLICS, "Königreich": KINGDOMS},
    "nl": {"Republiek": REPUBLICS, "Koninkrijk": KINGDOMS},
    "fr": {
        "République de; République du; République des; République de la": REPUBLICS,
        "République d'; République de l'": REPUBLICS,
        "Royaume de; Royaume du; Royaume d'; Royaume de la; Royaume des": KINGDOMS,
    },
    "es": {"República de; República del; República de la; República de las": REPUBLICS, "Reino de": KINGDOMS},
    "it": {
        "Repubblica di; Repubblica del; Repubblica della; Repubblica dell'; Repubblica delle": REPUBLICS,
        "Regno di; Regno del; Regno della": KINGDOMS,
    },
    "pt": {
        "República de; República do; República da; República dos; República das": REPUBLICS,
        "Reino de; Reino do; Reino da": KINGDOMS,
    },
    "ru": {"Республика": REPUBLICS, "Королевство": KINGDOMS},
}
"""Language -> official forms -> the countries whose name in that language they go before; in English also
behind it. Both Koreas, both Congos and China are not here: their forms are what tells them apart."""


# Right in some language, and something else to many people who type it (a city, a region, a language, a word
# of English, the five islands that were the Netherlands Antilles): never guessed.
DROPPED = frozenset(
    {
        "jersey island",
        "virgin islands",
        "channel islands",
        "antilles",
        "antilles yr iseldiroedd",
        "antillas ollandaisas",
        "de nederlandske antiller",
        "de tidligere nederlandske antiller",
        "hindi",
        "iron",
        "fuji",
        "kota",
        "lasa",
        "male",
        "mari",
        "mena",
        "poole",
        "shin",
        "tanga",
        "yamal",
        "congo",
        "nigeri",
        "kongo",
        "norfolk",
        "سانت مارتن",
        "เซนต์มาร์ติน",
    }
)
