"""The command line's settings file: what stands for `--url`, `--subscriber-id` and `--api-key` by itself."""

import os
import shlex
import stat
import tomllib
from pathlib import Path
from typing import Any

import typer
from attrs import field, fields_dict, frozen

from event_streamer_sdk.exceptions import EventStreamerValidationError


@frozen(kw_only=True)
class SettingsFile:
    """What a settings file says; None for what it leaves out."""

    url: str | None = None
    subscriber_id: str | None = None
    api_key: str | None = field(default=None, repr=False)


NAMES = tuple(fields_dict(SettingsFile))
"""The names that a settings file knows."""


def usual_place() -> Path:
    """
    Say where the settings file is looked for.

    Returns:
        `config.toml` in the folder `event-streamer`, where the platform keeps settings: in
        `$XDG_CONFIG_HOME` or `~/.config`, `~/Library/Application Support`, `%APPDATA%`.
    """
    return Path(typer.get_app_dir("event-streamer")) / "config.toml"


def settings_at(given: Path | None) -> tuple[SettingsFile, Path | None]:
    """
    Read the settings file.

    Args:
        given: The file that `--config` names; None for the one in the usual place, which may be missing.

    Returns:
        What it says, and which file was read; None where there is none.

    Raises:
        EventStreamerValidationError: If the file can't be used. The message shows no value of it.
    """
    path = given.expanduser() if given is not None else usual_place()
    try:
        with path.open("rb") as file:
            content, mode = file.read(), os.fstat(file.fileno()).st_mode
    except FileNotFoundError as missing:
        if given is None:
            return SettingsFile(), None
        raise EventStreamerValidationError(f"the settings file {path} doesn't exist") from missing
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise EventStreamerValidationError(f"the settings file {path} can't be read: {why}") from problem
    settings = _settings_in(content, path)
    if settings.api_key is not None:
        _check_private(mode, path)
    return settings, path


def _settings_in(content: bytes, path: Path) -> SettingsFile:
    try:
        values = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise EventStreamerValidationError(f"the settings file {path} is not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise EventStreamerValidationError(f"the settings file {path} is not TOML: {problem}") from None
    for name, value in values.items():
        _check(name, value, path)
    return SettingsFile(**values)


def _check(name: str, value: Any, path: Path) -> None:
    if name not in NAMES:
        known = ", ".join(NAMES)
        raise EventStreamerValidationError(f"the settings file {path} has {name!r}: it knows {known}")
    if not isinstance(value, str) or not value.strip():
        raise EventStreamerValidationError(
            f"{name} in the settings file {path} has to be a string that isn't empty"
        )


def _check_private(mode: int, path: Path) -> None:
    """Refuse a key that others can read, as ssh does. Windows has no such mode; its folder is private."""
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise EventStreamerValidationError(
            f"the settings file {path} holds an api_key that others may read: "
            f"chmod 600 {shlex.quote(str(path))}"
        )
