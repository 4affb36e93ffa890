"""Errors of the query language, in the vendor's codes, wording and shape."""

from typing import NoReturn

MALFORMED_QUERY = "MALFORMED_QUERY"
INVALID_FIELD = "INVALID_FIELD"
INVALID_TYPE = "INVALID_TYPE"
INVALID_QUERY_FILTER_OPERATOR = "INVALID_QUERY_FILTER_OPERATOR"
NUMBER_OUTSIDE_VALID_RANGE = "NUMBER_OUTSIDE_VALID_RANGE"
QUERY_TOO_COMPLICATED = "QUERY_TOO_COMPLICATED"

TOO_COMPLICATED = "Query is either selecting too many fields or the filter conditions are too complicated."

_WSDL = "Please reference your WSDL or the describe call for the appropriate names."
_CUSTOM_RELATIONSHIP = (
    "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom "
    "relationship name."
)
_BEFORE, _AFTER = 40, 60


class SoqlError(Exception):
    """A query that the vendor answers with HTTP 400: `code` is its errorCode, `message` its text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Reporter:
    """Raises errors that point at a place of one query's text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def fail(self, code: str, message: str, position: int | None = None) -> NoReturn:
        """Raise, with the vendor's excerpt, caret, row and column when a position is known."""
        if position is None:
            raise SoqlError(code, message)
        raise SoqlError(code, f"{self._excerpt(min(position, len(self._text)))}\n{message}")

    def _excerpt(self, position: int) -> str:
        row = self._text.count("\n", 0, position) + 1
        start_of_line = self._text.rfind("\n", 0, position) + 1
        end_of_line = self._text.find("\n", position)
        line = self._text[start_of_line : end_of_line if end_of_line >= 0 else len(self._text)]
        column = position - start_of_line
        shown, caret = _window(line, column)
        return f"\n{shown}\n{' ' * caret}^\nERROR at Row:{row}:Column:{column + 1}"


def _window(line: str, column: int) -> tuple[str, int]:
    """A long line is cut around the place, at blanks, so that the caret still points at it."""
    start = 0 if column <= _BEFORE else line.rfind(" ", 0, column - _BEFORE) + 1
    if column - start > 2 * _BEFORE:
        start = column - _BEFORE
    end = len(line) if len(line) - column <= _AFTER else column + _AFTER
    return line[start:end], column - start


def no_such_column(name: str, entity: str) -> str:
    return (
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, "
        f"be sure to append the '__c' after the custom field name. {_WSDL}"
    )


def unknown_relationship(name: str) -> str:
    return f"Didn't understand relationship '{name}' in field path. {_CUSTOM_RELATIONSHIP} {_WSDL}"


def unknown_child(name: str) -> str:
    return (
        f"Didn't understand relationship '{name}' in FROM part of query call. {_CUSTOM_RELATIONSHIP} {_WSDL}"
    )


def unsupported_type(name: str) -> str:
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, "
        f"be sure to append the '__c' after the entity name. {_WSDL}"
    )


def wrong_literal(field: str, kind: str, *, quoted: bool) -> str:
    quotes = "should be enclosed in quotes" if quoted else "should not be enclosed in quotes"
    return f"value of filter criterion for field '{field}' must be of type {kind} and {quotes}"
