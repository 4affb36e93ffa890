"""WHERE and HAVING: a condition tree becomes one closure over rows, compiled before the first row is read.

Logic has two values, as the vendor's: null differs from every value, is in no list, and is neither above nor
below anything.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any, NoReturn

from lark import Token

from allocator.sandbox.salesforce import soql_ast as ast
from allocator.sandbox.salesforce.schema import id_keys, looks_like_id
from allocator.sandbox.salesforce.schema_describe import soap_type
from allocator.sandbox.salesforce.soql_errors import (
    INVALID_FIELD,
    INVALID_QUERY_FILTER_OPERATOR,
    MALFORMED_QUERY,
    Reporter,
    wrong_literal,
)
from allocator.sandbox.salesforce.soql_scope import NUMBERS, Operand
from allocator.sandbox.salesforce.soql_values import (
    BadEscape,
    fold,
    instant,
    like_pattern,
    midnight,
    parse_instant,
    relative_range,
    unescape,
)

Check = Callable[[Any], bool]
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Span:
    """A stretch of days that a literal such as LAST_WEEK means: first key in it, first key after it."""

    start: str
    end: str


@dataclass
class Conditions:
    """Compiles the conditions of one query.

    `resolve` gives names their meaning, `inner` runs the query of a semi-join and gives its 15-character ids.
    """

    resolve: Callable[[ast.Operand], Operand]
    inner: Callable[[ast.Query], frozenset[str]]
    report: Reporter
    today: date
    zone: tzinfo

    def compile(self, condition: ast.Condition) -> Check:
        """The check of a whole tree."""
        if isinstance(condition, ast.Test):
            return self._test(condition)
        if isinstance(condition, ast.Negation):
            part = self.compile(condition.part)
            return lambda row: not part(row)
        if isinstance(condition, ast.AnyOf) and (joins := joins_in(condition)):
            text = "Semi join sub-selects are not allowed with the 'OR' operator"
            self.report.fail(MALFORMED_QUERY, text, joins[0].position)
        parts = [self.compile(part) for part in condition.parts]
        return _every(parts) if isinstance(condition, ast.All) else _some(parts)

    def _test(self, test: ast.Test) -> Check:
        left = self.resolve(test.left)
        self._must_filter(left)
        if isinstance(test.right, ast.Query):
            return self._semi_join(left, test)
        if test.operator in ("INCLUDES", "EXCLUDES"):
            return self._multiple(left, test)
        if test.operator == "LIKE":
            return self._like(left, test)
        if isinstance(test.right, tuple):
            check = self._one_of(left, test.right)
            return check if test.operator == "IN" else lambda row: not check(row)
        if test.operator in ("=", "!="):
            check = self._one_of(left, (test.right,))
            return check if test.operator == "=" else lambda row: not check(row)
        return self._ordered(left, test)

    def _must_filter(self, left: Operand) -> None:
        blocked = left.field is not None and not left.field.filterable
        if blocked or left.type in ("address", "location"):
            text = f"field '{left.name}' can not be filtered in a query call"
            self.report.fail(INVALID_FIELD, text, left.position)

    def _semi_join(self, left: Operand, test: ast.Test) -> Check:
        assert isinstance(test.right, ast.Query)
        if not left.is_id:
            text = (
                "The left operand field in the where expression for outer query should be an id field, "
                f"cannot use: '{left.name}'"
            )
            self.report.fail(MALFORMED_QUERY, text, left.position)
        self._must_be(test.operator in ("IN", "NOT IN"), left, test)
        found, key = self.inner(test.right), left.key
        if test.operator == "IN":
            return lambda row: key(row) in found
        return lambda row: key(row) not in found

    def _multiple(self, left: Operand, test: ast.Test) -> Check:
        """INCLUDES ('a;b','c'): a and b together, or c."""
        self._must_be(left.type == "multipicklist" and isinstance(test.right, tuple), left, test)
        assert isinstance(test.right, tuple)
        wanted = [frozenset((self._text(left, token) or "").split(";")) for token in test.right]
        key = left.key

        def includes(row: Any) -> bool:
            chosen = frozenset((key(row) or "").split(";"))
            return any(group <= chosen for group in wanted)

        return includes if test.operator == "INCLUDES" else lambda row: not includes(row)

    def _like(self, left: Operand, test: ast.Test) -> Check:
        self._must_be(left.is_text and left.type != "multipicklist", left, test)
        token = test.right
        assert isinstance(token, Token)
        if token.type != "STRING":
            self._refuse_literal(left, token)
        try:
            match = like_pattern(token, exact=_exact(left)).fullmatch
        except BadEscape as error:
            self._refuse_escape(error, token)
        key = left.key
        return lambda row: (value := key(row)) is not None and match(value) is not None

    def _ordered(self, left: Operand, test: ast.Test) -> Check:
        self._must_be(left.type not in ("boolean", "multipicklist"), left, test)
        assert isinstance(test.right, Token)
        compare, key = _ORDER[test.operator], left.key
        literal = self._literal(left, test.right)
        if isinstance(literal, Span):
            # Above a day means from the next one on; up to a day means to its end.
            after = test.operator in (">", "<=")
            compare = operator.ge if test.operator in (">", ">=") else operator.lt
            literal = literal.end if after else literal.start
        if isinstance(literal, frozenset):
            literal = min(literal)
        if literal is None:
            return lambda row: False
        return lambda row: (value := key(row)) is not None and compare(value, literal)

    def _one_of(self, left: Operand, tokens: tuple[Token, ...]) -> Check:
        """Equality with any of the literals; a set, so that ten thousand ids cost no more than one."""
        literals = [self._literal(left, token) for token in tokens]
        spans = [literal for literal in literals if isinstance(literal, Span)]
        values: set[Any] = set()
        for literal in literals:
            if not isinstance(literal, Span):
                values |= literal if isinstance(literal, frozenset) else {literal}
        key, wanted = left.key, frozenset(values)
        if not spans:
            return lambda row: key(row) in wanted

        def check(row: Any) -> bool:
            value = key(row)
            return value in wanted or (value is not None and any(s.start <= value < s.end for s in spans))

        return check

    def _must_be(self, allowed: bool, left: Operand, test: ast.Test) -> None:
        if not allowed:
            kind = left.type if left.type != "reference" else "id"
            text = f"invalid operator on {kind} field"
            self.report.fail(INVALID_QUERY_FILTER_OPERATOR, text, test.position)

    def _literal(self, left: Operand, token: Token) -> Any:
        """The key or keys that a literal stands for, checked against the type of the field."""
        word = token.upper() if token.type == "PATH" else ""
        if word == "NULL":
            return False if left.type == "boolean" else None
        if token.type in ("PATH", "RELATIVE") and word not in ("TRUE", "FALSE"):
            return self._relative(left, token)
        if left.type == "boolean":
            return word == "TRUE" if word else self._refuse_literal(left, token)
        if left.type in ("date", "datetime"):
            return self._moment(left, token)
        if left.type in NUMBERS:
            return float(token) if token.type == "NUMBER" else self._refuse_literal(left, token)
        if token.type != "STRING":
            return self._refuse_literal(left, token)
        return self._id(token) if left.is_id else self._text(left, token)

    def _relative(self, left: Operand, token: Token) -> Span:
        try:
            days = relative_range(token, self.today)
        except OverflowError:
            self.report.fail(MALFORMED_QUERY, f"date value out of range: {token}", token.start_pos)
        if days is None:
            self.report.fail(MALFORMED_QUERY, f"unexpected token: '{token}'", token.start_pos)
        if left.type == "date":
            return Span(days[0].isoformat(), days[1].isoformat())
        if left.type == "datetime":
            return Span(midnight(days[0], self.zone), midnight(days[1], self.zone))
        return self._refuse_literal(left, token)

    def _moment(self, left: Operand, token: Token) -> str:
        if token.type != left.type.upper():
            self._refuse_literal(left, token)
        try:
            return (
                date.fromisoformat(token).isoformat()
                if left.type == "date"
                else instant(parse_instant(token))
            )
        except (ValueError, OverflowError):
            self.report.fail(MALFORMED_QUERY, f"invalid date or time: {token}", token.start_pos)

    def _id(self, token: Token) -> Any:
        text = self._unescaped(token)
        if not text:
            return None
        if not looks_like_id(text):
            self.report.fail(INVALID_QUERY_FILTER_OPERATOR, f"invalid ID field: {text}", token.start_pos)
        return id_keys(text)

    def _text(self, left: Operand, token: Token) -> str | None:
        """An empty text is what the vendor stores as null."""
        if token.type != "STRING":
            self._refuse_literal(left, token)
        text = self._unescaped(token)
        return (text if _exact(left) else fold(text)) or None

    def _unescaped(self, token: Token) -> str:
        try:
            return unescape(token)
        except BadEscape as error:
            self._refuse_escape(error, token)

    def _refuse_escape(self, error: BadEscape, token: Token) -> NoReturn:
        text = f"invalid string escape: '\\{error}' in {token}"
        self.report.fail(MALFORMED_QUERY, text, token.start_pos)

    def _refuse_literal(self, left: Operand, token: Token) -> NoReturn:
        kind = "ID" if left.is_id else soap_type(left.type).partition(":")[2]
        text = wrong_literal(left.name, kind, quoted=left.is_id or left.is_text)
        self.report.fail(INVALID_FIELD, text, left.position)


def joins_in(condition: ast.Condition) -> list[ast.Test]:
    """The semi-joins of a tree."""
    if isinstance(condition, ast.Test):
        return [condition] if isinstance(condition.right, ast.Query) else []
    parts = (condition.part,) if isinstance(condition, ast.Negation) else condition.parts
    return [found for part in parts for found in joins_in(part)]


def _exact(left: Operand) -> bool:
    return left.field is not None and left.field.case_sensitive


def _every(parts: list[Check]) -> Check:
    if len(parts) == 2:
        first, second = parts
        return lambda row: first(row) and second(row)
    return lambda row: all(part(row) for part in parts)


def _some(parts: list[Check]) -> Check:
    if len(parts) == 2:
        first, second = parts
        return lambda row: first(row) or second(row)
    return lambda row: any(part(row) for part in parts)
