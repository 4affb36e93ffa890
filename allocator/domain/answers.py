"""Answers to a saved workbook: what editors read within minutes of a save. Pure: words in, mails out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allocator.domain.alerts import ANSWERS_A_DAY, Book, Mail, Policy, Reader, Scene
from allocator.domain.incidents import domain_of
from allocator.domain.notices import why
from allocator.domain.versions import Moves, code_of
from rules.errors import Problem

PHASE = "ANSWER"
LIVE, DRAFT, WAITING, ROLLBACK = "tables_live", "tables_draft", "tables_waiting", "tables_rollback"
_WORDS = {LIVE: "LIVE", DRAFT: "DRAFT", WAITING: "WAITING", ROLLBACK: "LIVE"}
_PROBLEMS = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said about one saved file. `sections` are (title, lines); `edition` is the file's sha256."""

    kind: str
    headline: str
    intro: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    edition: str
    saved_by: str = ""


def live(
    *, when: str, edition: str, saved_by: str, sections: Sequence[tuple[str, Sequence[str]]], observe: bool
) -> Answer:
    """A good file: from which run on it decides (empty: it does already), and what is different."""
    since = f"from the {when} run on" if when else "since the last run"
    intro = f"The workbook passed the check. It decides {since}."
    if observe:
        intro += " Observe mode: runs decide and show, and write nothing to the CRM."
    nothing = "" if sections else " Nothing that decides is different from the version before."
    headline = f"live from the {when} run" if when else "live since the last run"
    return Answer(LIVE, headline, intro + nothing, _plain(sections), edition, saved_by)


def waiting(
    *,
    edition: str,
    saved_by: str,
    moves: Moves | None,
    threshold: str,
    runs: str,
    why_not: str,
    sections: Sequence[tuple[str, Sequence[str]]],
) -> Answer:
    """A good file that moves too much to go live by itself. `why_not`: why the code in it did not count."""
    code = code_of(edition)
    beyond = f"more than the publish threshold of {threshold}"
    would = f" It would move {moves.moved:,} of {moves.leads:,} past leads, {beyond}." if moves else ""
    intro = f"The workbook passed the check and is not used yet.{would} {code_of(runs)} goes on deciding."
    own = [
        *([("The code in it", (why_not,))] if why_not else []),
        ("To accept it", (
            f"Type {code} into sheet Settings, Accept version, change nothing else, and save.",
            f"Or let whoever runs the allocator type: allocator tables accept {code}",
        )),
        ("Not to accept it", ("Change the file and save.",)),
    ]  # fmt: skip
    headline = f"waits to be accepted, code {code}"
    return Answer(WAITING, headline, intro, _plain([*own, *sections]), edition, saved_by)


def accepted(
    *, when: str, edition: str, saved_by: str, sections: Sequence[tuple[str, Sequence[str]]]
) -> Answer:
    """A version that waited and was accepted by the command."""
    intro = f"Version {code_of(edition)}, which waited, was accepted. It decides from the {when} run on."
    return Answer(LIVE, f"accepted, live from the {when} run", intro, _plain(sections), edition, saved_by)


def rolled_back(
    *, when: str, edition: str, instead_of: str, saved_by: str, sections: Sequence[tuple[str, Sequence[str]]]
) -> Answer:
    """An earlier version was put back by the command."""
    intro = (
        f"Version {code_of(edition)} was put back by allocator tables rollback, instead of "
        f"{code_of(instead_of)}. It decides from the {when} run on."
    )
    file = (
        "It is as it was, and has no say until it is changed and saved.",
        "Mend in it first what was wrong; or go on from the version that was put back: whoever runs the "
        "allocator can write it to a new file.",
    )
    headline = f"put back to {code_of(edition)}, live from the {when} run"
    return Answer(ROLLBACK, headline, intro, _plain([("The file", file), *sections]), edition, saved_by)


def draft(
    *,
    edition: str,
    saved_by: str,
    problems: Sequence[Problem],
    warnings: Sequence[Problem],
    sections: Sequence[tuple[str, Sequence[str]]],
    different: bool,
    would_wait: str = "",
) -> Answer:
    """A draft: checked in the same way, never used. `would_wait`: the threshold that it goes beyond."""
    marks: list[tuple[str, Sequence[str]]] = []
    if problems:
        marks.append(("To mend", [str(p) for p in problems[:_PROBLEMS]]))
        headline = f"the draft would be refused: {_problems(len(problems))}"
        intro = "The draft was checked and not used. Saved under the workbook's own name it would be refused."
    else:
        headline = "the draft passed the check"
        intro = "The draft was checked and not used. Save it under the workbook's own name to make it live."
        if would_wait:
            intro += f" It would then wait to be accepted: it moves more past leads than {would_wait}."
    if warnings:
        marks.append(("Warnings", [str(p) for p in warnings[:_PROBLEMS]]))
    if not problems and not different:
        intro += " Nothing that decides is different from the version that runs."
    return Answer(DRAFT, headline, intro, _plain([*marks, *sections]), edition, saved_by)


def mails(
    answer: Answer, book: Book, policy: Policy, scene: Scene, name: str, now: datetime, thread: str = ""
) -> tuple[Mail, ...]:
    """One mail to each editor. `name` is the file's; `thread` continues an incident's."""
    if not policy.mails:
        return ()
    editors = policy.addresses([Reader.EDITORS])
    counts = ((who, reader, book.answered_today.get(who, 0) + 1) for who, reader in editors)
    content = _content(answer, policy, scene, name)
    return tuple(
        _mail(answer, who, {**content, "why": why(reader, policy), "last_today": n == ANSWERS_A_DAY},
              policy, now, name, thread)
        for who, reader, n in counts if n <= ANSWERS_A_DAY
    )  # fmt: skip


def _mail(
    answer: Answer,
    address: str,
    content: Mapping[str, Any],
    policy: Policy,
    now: datetime,
    name: str,
    thread: str,
) -> Mail:
    stamp = hashlib.sha256(f"{answer.kind} {answer.edition} {now.isoformat()}".encode()).hexdigest()[:16]
    own = f"tables.{stamp}@{domain_of(policy.sender)}"
    word = _WORDS[answer.kind]
    return Mail(
        message_id=own, thread=thread or own, recipient=address, kind=answer.kind, incident="", phase=PHASE,
        subject=_ascii(f"[allocator/{policy.environment}] {word} {name}: {answer.headline}"),
        content=content, created=now, answer=True,
    )  # fmt: skip


def _content(answer: Answer, policy: Policy, scene: Scene, name: str) -> Mapping[str, Any]:
    return {
        "template": "answer", "kind": answer.kind, "environment": policy.environment,
        "title": f"{name}: {answer.headline}", "intro": answer.intro,
        "sections": [{"title": title, "lines": list(lines)} for title, lines in answer.sections],
        "tables": {"version": answer.edition[:8], "saved_by": answer.saved_by},
        "runs": scene.tables_version[:8], "host": scene.host, "program": scene.program,
    }  # fmt: skip


def _plain(sections: Sequence[tuple[str, Sequence[str]]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((title, tuple(lines)) for title, lines in sections)


def _problems(count: int) -> str:
    return "1 problem" if count == 1 else f"{count} problems"


def _ascii(text: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
