"""What `event-streamer doctor` finds: one thing looked at, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from attrs import frozen


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    NOTE = "note"
    """Not as it could be, and no hindrance."""
    PROBLEM = "problem"


@frozen
class Check:
    """
    One thing that was looked at.

    Attributes:
        name: What was looked at.
        status: How it ended.
        found: What was seen, without secrets.
        advice: What to do, or None.
    """

    name: str
    status: Verdict
    found: str
    advice: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the check as JSON-like values."""
        return {"name": self.name, "status": self.status, "found": self.found, "advice": self.advice}


def ok(name: str, found: str) -> Check:
    """Tell of what is as it should be."""
    return Check(name, Verdict.OK, found)


def note(name: str, found: str, advice: str | None = None) -> Check:
    """Tell of what is no hindrance."""
    return Check(name, Verdict.NOTE, found, advice)


def problem(name: str, found: str, advice: str) -> Check:
    """Tell of what has to be mended."""
    return Check(name, Verdict.PROBLEM, found, advice)


def problems(checks: Iterable[Check]) -> int:
    """Count the checks that found a problem."""
    return sum(check.status is Verdict.PROBLEM for check in checks)
