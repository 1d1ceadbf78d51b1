"""`event-streamer breakers`: the circuit breakers before the chains' RPC endpoints."""

from typing import Annotated

import typer

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.cli._connection import calls_the_service
from event_streamer_sdk.cli._once import Commands
from event_streamer_sdk.cli._output import AsJson, write_answer, write_done, write_json, write_table

app: typer.Typer = Commands(
    help="Show and reset the circuit breakers of the RPC endpoints.", no_args_is_help=True
)


@app.command()
@calls_the_service
def status(client: SyncEventStreamer, as_json: AsJson = False) -> None:
    """List all breakers with their state."""
    answer = client.get_circuit_breaker_status()
    if as_json:
        write_json(answer)
        return
    write_table(
        ["Breaker", "State", "Calls", "Failures", "In a row", "Last failure"],
        [
            [
                name,
                one.state,
                one.total_calls,
                one.failure_count,
                one.consecutive_failures,
                one.last_failure_time,
            ]
            for name, one in sorted(answer.circuit_breakers.items())
        ],
        empty="No breakers: the service has no RPC endpoint yet.",
    )


@app.command()
@calls_the_service
def health(client: SyncEventStreamer, as_json: AsJson = False) -> None:
    """Sum up how many endpoints work; the exit code is 1 where a chain has none left."""
    answer = client.get_circuit_breaker_health()
    details = {
        "Healthy endpoints": f"{answer.healthy_rpcs} of {answer.total_rpcs}",
        "Unhealthy chains": answer.unhealthy_chains,
    }
    write_answer(answer, as_json, details)
    if answer.unhealthy_chains:
        raise typer.Exit(1)


@app.command()
@calls_the_service
def show(
    client: SyncEventStreamer,
    name: Annotated[
        str, typer.Argument(show_default=False, help="The breaker's name, as `status` lists it.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show the figures of one breaker."""
    answer = client.get_circuit_breaker_metrics(name)
    response_time = answer.average_response_time
    details = {
        "Breaker": answer.name,
        "Calls": answer.total_calls,
        "Successes": answer.success_count,
        "Failures": answer.failure_count,
        "Failures in a row": answer.consecutive_failures,
        "Success rate": f"{answer.success_rate:.1%}",
        "Response time": None if response_time is None else f"{response_time:.1f} ms",
        "Last success": answer.last_success_time,
        "Last failure": answer.last_failure_time,
        "Last error": answer.last_error,
    }
    write_answer(answer, as_json, details)


@app.command()
@calls_the_service
def config(client: SyncEventStreamer, as_json: AsJson = False) -> None:
    """Show when breakers open and close."""
    answer = client.get_circuit_breaker_config()
    details = {
        "Opens after": f"{answer.failure_threshold} failures in a row",
        "Tries again after": f"{answer.recovery_timeout} s",
        "Closes after": f"{answer.success_threshold} successes",
        "Calls on trial": answer.half_open_max_calls,
        "A call fails after": f"{answer.timeout} s",
    }
    write_answer(answer, as_json, details)


@app.command()
@calls_the_service
def reset(
    client: SyncEventStreamer,
    name: Annotated[
        str | None,
        typer.Argument(show_default=False, help="The breaker's name; all of them where it is left out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Close a breaker, or all of them, so that the endpoint is tried again at once."""
    answer = client.reset_circuit_breaker(name) if name else client.reset_all_circuit_breakers()
    write_done(answer, as_json, "Reset.")
