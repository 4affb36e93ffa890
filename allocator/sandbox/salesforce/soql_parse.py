"""Text to Query. Whatever the grammar does not know is MALFORMED_QUERY, at the place where it stands."""

from functools import cache
from pathlib import Path as FilePath
from typing import Any, NoReturn

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from allocator.sandbox.salesforce import soql_ast as ast
from allocator.sandbox.salesforce.soql_errors import MALFORMED_QUERY, NUMBER_OUTSIDE_VALID_RANGE, Reporter

MAX_LENGTH = 100_000
MAX_OFFSET = 2_000
_MAX_INT = 2**31 - 1


def parse(text: str) -> ast.Query:
    """The query of a text. Raises SoqlError."""
    report = Reporter(text)
    if not text.strip():
        report.fail(MALFORMED_QUERY, "SOQL statements cannot be empty or null")
    if len(text) > MAX_LENGTH:
        report.fail(MALFORMED_QUERY, f"SOQL statements cannot be longer than {MAX_LENGTH} characters.")
    try:
        tree = _parser().parse(text)
        return _Builder(report).transform(tree)
    except UnexpectedInput as error:
        _fail_syntax(report, text, error)
    except VisitError as error:
        raise error.orig_exc from None


@cache
def _parser() -> Lark:
    grammar = FilePath(__file__).with_name("soql.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


def _fail_syntax(report: Reporter, text: str, error: UnexpectedInput) -> NoReturn:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        report.fail(MALFORMED_QUERY, f"unexpected token: '{error.token}'", error.token.start_pos)
    if isinstance(error, UnexpectedCharacters):
        position = error.pos_in_stream or 0
        report.fail(MALFORMED_QUERY, _about_character(text, position), position)
    report.fail(MALFORMED_QUERY, "unexpected token: '<EOF>'", len(text))


def _about_character(text: str, position: int) -> str:
    char = text[position]
    if char == ":":
        return "Bind variables only allowed in Apex code"
    if char == "'":
        return "mismatched character '<EOF>' expecting '''"
    word = text[position:].split(None, 1)[0] if char.isalnum() else char
    return f"unexpected token: '{word}'"


class _Builder(Transformer):  # type: ignore[type-arg]
    """Turns the parse tree into a Query; rule names are those of soql.lark."""

    def __init__(self, report: Reporter) -> None:
        super().__init__()
        self._report = report

    def start(self, found: list[Any]) -> ast.Query:
        return found[0]

    def query(self, found: list[Any]) -> ast.Query:
        (
            select,
            items,
            _,
            source,
            using,
            where,
            scope_with,
            group,
            having,
            order,
            limit,
            offset,
            _,
            all_rows,
        ) = found
        return ast.Query(
            items=tuple(items),
            source=source[0],
            alias=source[1],
            where=where,
            group=group or (),
            having=having,
            order=order or (),
            limit=self._count(limit),
            limit_token=limit,
            offset=self._offset(offset),
            scope_token=using,
            with_token=scope_with,
            all_rows=all_rows,
            position=select.start_pos,
            end=source[0].end_pos,
        )

    def items(self, found: list[Any]) -> list[ast.Item]:
        return found

    def column(self, found: list[Any]) -> ast.Column:
        return ast.Column(found[0], found[1])

    def child(self, found: list[Any]) -> ast.Child:
        return ast.Child(found[0])

    def typeof(self, found: list[Any]) -> ast.TypeOf:
        _, path, *whens, otherwise, _ = found
        return ast.TypeOf(path, tuple(whens), otherwise or ())

    def when(self, found: list[Any]) -> tuple[Token, tuple[Token, ...]]:
        return found[1], found[3]

    def otherwise(self, found: list[Any]) -> tuple[Token, ...]:
        return found[1]

    def paths(self, found: list[Any]) -> tuple[Token, ...]:
        return tuple(found)

    def source(self, found: list[Any]) -> tuple[Token, Token | None]:
        return found[0], found[2]

    def scope(self, found: list[Any]) -> Token:
        return found[2]

    def with_mode(self, found: list[Any]) -> Token:
        return found[1]

    def where(self, found: list[Any]) -> ast.Condition:
        return found[1]

    def having(self, found: list[Any]) -> ast.Condition:
        return found[1]

    def group(self, found: list[Any]) -> tuple[ast.Operand, ...]:
        return found[2]

    def order(self, found: list[Any]) -> tuple[ast.Sort, ...]:
        return tuple(found[2:])

    def sort(self, found: list[Any]) -> ast.Sort:
        source, direction, nulls = found
        return ast.Sort(source, direction is not None and direction.type == "DESC", nulls == "LAST")

    def nulls(self, found: list[Any]) -> str:
        return found[1].type

    def operands(self, found: list[Any]) -> tuple[ast.Operand, ...]:
        return tuple(found)

    def call(self, found: list[Any]) -> ast.Call:
        return ast.Call(found[0], found[1] or ())

    def arguments(self, found: list[Any]) -> tuple[ast.Operand, ...]:
        return tuple(found)

    def limit(self, found: list[Any]) -> Token:
        return found[1]

    def offset(self, found: list[Any]) -> Token:
        return found[1]

    def purpose(self, found: list[Any]) -> Token:
        return found[1]

    def all_rows(self, found: list[Any]) -> Token:
        return found[0]

    def conjunction(self, found: list[Any]) -> ast.All:
        return ast.All(tuple(found[::2]))

    def disjunction(self, found: list[Any]) -> ast.AnyOf:
        return ast.AnyOf(tuple(found[::2]))

    def negation(self, found: list[Any]) -> ast.Negation:
        return ast.Negation(found[1])

    def nested(self, found: list[Any]) -> ast.Condition:
        return found[0]

    def comparison(self, found: list[Any]) -> ast.Test:
        left, operator, right = found
        return ast.Test(left, "!=" if operator == "<>" else operator.upper(), right, ast.position_of(left))

    def membership(self, found: list[Any]) -> ast.Test:
        left, *operator, right = found
        return ast.Test(left, " ".join(t.upper() for t in operator), right, ast.position_of(left))

    def value_list(self, found: list[Any]) -> tuple[Token, ...]:
        return tuple(found)

    def _count(self, token: Token | None) -> int | None:
        if token is None:
            return None
        if not token.isdigit():
            self._report.fail(MALFORMED_QUERY, f"unexpected token: '{token}'", token.start_pos)
        if int(token) > _MAX_INT:
            self._report.fail(MALFORMED_QUERY, f"numeric value out of range: {token}", token.start_pos)
        return int(token)

    def _offset(self, token: Token | None) -> int:
        count = self._count(token) or 0
        if count > MAX_OFFSET:
            self._report.fail(NUMBER_OUTSIDE_VALID_RANGE, f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        return count
