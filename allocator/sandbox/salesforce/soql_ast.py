"""What a parsed query consists of. Tokens keep their place in the text, so that errors can point at it."""

from dataclasses import dataclass

from lark import Token

Path = Token
"""A dotted name as written, such as `Owner.Name`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function: `COUNT(Id)`, `DAY_ONLY(convertTimezone(CreatedDate))`, `FIELDS(ALL)`."""

    name: Token
    arguments: tuple["Operand", ...]

    @property
    def upper(self) -> str:
        return self.name.upper()


Operand = Path | Call


@dataclass(frozen=True, slots=True)
class Column:
    """One selected path or function, with its alias."""

    source: Operand
    alias: Token | None


@dataclass(frozen=True, slots=True)
class TypeOf:
    """`TYPEOF Owner WHEN User THEN ... ELSE ... END`."""

    path: Path
    whens: tuple[tuple[Token, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Child:
    """A query over child rows in the SELECT list."""

    query: "Query"


Item = Column | TypeOf | Child


@dataclass(frozen=True, slots=True)
class Test:
    """`left op right`, where the right side is one token, a list of tokens or a query."""

    left: Operand
    operator: str
    right: "Token | tuple[Token, ...] | Query"
    position: int


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    part: "Condition"


Condition = Test | All | AnyOf | Negation


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of ORDER BY. Nulls come first unless told otherwise."""

    source: Operand
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT, whole."""

    items: tuple[Item, ...]
    source: Path
    alias: Token | None
    where: Condition | None
    group: tuple[Operand, ...]
    having: Condition | None
    order: tuple[Sort, ...]
    limit: int | None
    limit_token: Token | None
    offset: int
    scope_token: Token | None
    with_token: Token | None
    all_rows: Token | None
    position: int
    end: int


def position_of(operand: Operand) -> int:
    """Where an operand starts in the text."""
    token = operand.name if isinstance(operand, Call) else operand
    return token.start_pos or 0
