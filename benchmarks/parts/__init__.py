"""What is measured: each module has ``run(*, quick)``, which yields rows for the table."""
