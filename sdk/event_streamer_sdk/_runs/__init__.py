"""
The two shells that carry out what the core asks for, and what they share.

    on_loop.py       a run on an event loop: lanes are tasks
    on_threads.py    a run on threads
    _async/          what both ask of the service and of stores; _sync/ is printed from it
    context.py       what a run gets of its client
    responses.py     headers, failures and sockets of responses
    answers_on_loop.py, answers_on_threads.py   what users' functions give: awaited, or refused
    signals.py       Ctrl-C and SIGTERM while something is in `run()` (a worker's: `workers/worker.py`;
                     the exit code of the command line: `cli/__init__.py`)
    housekeeping.py  the threads that all blocking streams share, for lanes that mostly wait
    waits.py         how tasks wait on an event loop
    output.py        standard output whose reader is gone
"""
