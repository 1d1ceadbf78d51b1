"""Replicas behind HAProxy, which knows how busy they are, or sends a caller where it was before."""

import functools
from pathlib import Path

import pytest

from support.haproxy import STICKY, haproxy, is_here
from support.replicas import trouble

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        not is_here(), reason="haproxy is not installed (Debian and Ubuntu: apt install haproxy)"
    ),
]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("more", ["", STICKY], ids=["least connections", "stick table"])
def test_replicas_are_killed_and_nothing_is_lost(tmp_path: Path, more: str) -> None:
    outcome = trouble(tmp_path, seconds=4, subscriptions=6, balancer=functools.partial(haproxy, more=more))
    outcome.check()
    assert outcome.kills + outcome.restarts > 2
