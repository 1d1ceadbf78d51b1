"""The table of metrics, as the service registers them."""

from __future__ import annotations

from pathlib import Path


def page(_root: Path) -> str:
    """Every metric of `/metrics`."""
    from event_streamer_service.metrics import Metrics

    service = Metrics()
    service.watch_refusals(__import__("collections").Counter())
    lines = [
        "# Metrics\n",
        "What `GET /metrics` gives, in Prometheus' text format. It needs an admin or a metrics key, unless "
        "`open_metrics` is set in the [configuration file](../service.md#a-configuration-file).\n",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    labels = {
        name: collector._labelnames
        for collector, names in service.registry._collector_to_names.items()
        for name in names
        if hasattr(collector, "_labelnames")
    }
    for family in service.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        of = ", ".join(f"`{label}`" for label in labels.get(family.name, ()))
        if not of and family.name.endswith("refused_connections"):
            of = "`reason`"
        lines.append(f"| `{name}` | {family.type} | {of} | {family.documentation} |")
    return "\n".join([*lines, ""])
