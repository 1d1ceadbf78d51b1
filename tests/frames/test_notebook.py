"""In a notebook, where a loop runs already: the blocking client and the asynchronous one."""

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from event_streamer_service import LocalService
from support.sinks import TRANSFER

WANTED = f"{TRANSFER!r}, chain_id=31337, start_block=0, end_block=59"


def cells(url: str) -> list[str]:
    return [
        "from event_streamer_sdk import EventStreamer, SyncEventStreamer",
        f"client = SyncEventStreamer({url!r}, 'notebook')\nframe = client.fetch({WANTED}, progress=True)",
        "frame.to_pandas()['value'].sum() == sum(frame.column('value'))",
        "frame.plot('sum', of='value', theme='dark')",
        f"async with EventStreamer({url!r}, 'notebook') as other:\n    again = await other.fetch({WANTED})",
        "list(again) == list(frame), list(client.iter_subscriptions())",
    ]


@pytest.mark.filterwarnings("default")  # of the libraries of notebooks
def test_both_clients_fetch_and_plot_in_a_notebook(service: LocalService, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(code) for code in cells(service.url)]
    kernel = nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3",
                                     resources={"metadata": {"path": str(tmp_path)}})  # fmt: skip
    done: list[Any] = kernel.execute().cells
    assert "(100%)" in "".join(output.get("text", "") for output in done[1].outputs)
    assert "True" in done[2].outputs[0]["data"]["text/plain"]
    assert len(done[3].outputs[0]["data"]["image/png"]) > 10_000
    assert done[5].outputs[0]["data"]["text/plain"] == "(True, [])"
