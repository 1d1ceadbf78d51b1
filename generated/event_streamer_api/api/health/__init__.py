"""The calls of one tag of openapi.yaml."""

from .get_health import get_health

__all__ = ("get_health",)
