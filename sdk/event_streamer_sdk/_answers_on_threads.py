"""What users' functions give to the blocking client: refused where it has to be awaited."""

from __future__ import annotations

from ._runs.answers import plain as settled

__all__ = ["settled"]
