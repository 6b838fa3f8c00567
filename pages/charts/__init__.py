"""Plotly figures, one file per page or part of a page; `style` is what they share."""
