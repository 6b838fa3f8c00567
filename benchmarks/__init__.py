"""The figures the README quotes: one command each, `python -m benchmarks.<name>`, all with `make bench`."""
