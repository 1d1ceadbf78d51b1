"""
One service in several processes, on one PostgreSQL; and the place that a lone process holds there.

Reading order: `postgres_session` (the connection that holds a process's place and hears news), `alone` (what
a service without replicas needs of all this), `directory` (who is there, which streams are open where),
`replicas` (one of several), `handover` (calls for another one's connections), `review` (what a change
elsewhere means here).
"""
