"""Errors, by what to do next. Each message says what happened, then what to do.

AllocatorError
  ConfigError      refuse to start: a person must change the configuration
    BrokenStore    the store is damaged or not there, and stays so: a StoreError too
      SchemaError  the store has another schema than this program
  UnknownName      nothing here has that name or id: say it rightly
  BusyError        another run holds the lease: wait for it
    SlotTaken      this hour needs no run any more
  FencedError      our lease was taken over: write nothing more
  SourceError      this system cannot be used now: others go on, alert now
    LoginError     it refused our log-in
    QuotaError     it allows no more calls for a while: finish, start nothing new
    StoreError     the store cannot be used now
  MailError        a mail was not taken: later again, unless it is final
  RetryableError   the outbox or the next run tries again
  RecordError      this lead is held, the run goes on
"""

from __future__ import annotations


class AllocatorError(Exception):
    """Base of everything this program raises on purpose."""


class ConfigError(AllocatorError):
    """The configuration cannot be used: refuse to start."""


class UnknownName(AllocatorError):
    """Nothing here has the name or id that was asked for."""


class BusyError(AllocatorError):
    """Another run holds the lease."""


class SlotTaken(BusyError):
    """The slot is done, or was skipped: somebody else saw to it."""


class FencedError(AllocatorError):
    """Our lease was taken over; nothing more may be written under it."""


class SourceError(AllocatorError):
    """A system cannot be reached or refuses us as a whole."""


class LoginError(SourceError):
    """The system refused the log-in."""


class QuotaError(SourceError):
    """The system allows no more calls for now."""


class StoreError(SourceError):
    """The store cannot be reached, locked, read or written."""


class BrokenStore(ConfigError, StoreError):
    """The store cannot be used until a person mends or restores it."""


class SchemaError(BrokenStore):
    """The store's schema is older or newer than this program."""


class MailError(AllocatorError):
    """The mail server did not take a mail. `final`: trying again cannot help. The message is a code."""

    def __init__(self, code: str, *, final: bool = False) -> None:
        super().__init__(code)
        self.final = final


class RetryableError(AllocatorError):
    """It may work the next time; nothing was lost."""


class RecordError(AllocatorError):
    """One record cannot be handled; it is held and the others go on."""
