"""
Benchmarks of the client and the service against their peers: one run, one table.

Run them with ``make bench`` (all) or ``make bench-quick`` (under two minutes), or pick parts with
``python -m benchmarks --only stream rest``. They are no tests: nothing fails for being slow.

* ``peers``    environments of their own for ourselves (plain and fast) and for every peer
* ``payload``  the NDJSON that is streamed, ``server`` the process that streams it
* ``workers``  one script for each contestant: runs in the contestant's environment, prints one line of JSON
* ``parts``    what is measured: each part yields rows for the table
* ``rounds``   interleaved rounds, so that noise of the machine meets every contestant alike
* ``report``   the table
"""
