"""Writes earlier_names.json from an earlier release of CLDR, whose names people still type.

    npm pack cldr-localenames-full@29.0.0 && tar xzf cldr-localenames-full-29.0.0.tgz
    python rules/data/earlier_names.py package

The package is Unicode's own (Unicode licence). Kept are the names that the current release no longer gives,
and the other forms (short, variant) that Babel leaves out.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rules.countries import spelling_key
from rules.data.build_countries import EARLIER, SHORTEST, current_names, dumps, is_country


def collect(package: Path) -> dict[str, list[str]]:
    """Key -> countries, of every name that today's release does not give to anything."""
    today = current_names()
    found: dict[str, set[str]] = defaultdict(set)
    for code, name in _names(package):
        key = spelling_key(name)
        if key not in today and not (key.isascii() and len(key) < SHORTEST):
            found[key].add(code)
    return {key: sorted(codes) for key, codes in found.items()}


def _names(package: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(package.glob("main/*/territories.json")):
        (content,) = json.loads(file.read_text(encoding="utf-8"))["main"].values()
        for code, name in content["localeDisplayNames"]["territories"].items():
            plain = code.partition("-alt-")[0]
            if is_country(plain) and name not in (plain, code):
                yield plain, name


if __name__ == "__main__":
    names = collect(Path(sys.argv[1]))
    source = "Unicode CLDR 29 (npm package cldr-localenames-full 29.0.0, Unicode licence)"
    EARLIER.write_text(dumps({"source": source, "names": names}), encoding="utf-8", newline="\n")
    sys.stdout.write(f"wrote {EARLIER}: {len(names)} names\n")
