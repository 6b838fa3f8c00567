"""The HTTP API: predictions, explanations and reports for other programs."""

ROOT = "/api/v1"  # of every path: another version, with other answers, would stand beside it
