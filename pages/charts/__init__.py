"""Plotly figures, one file a page; `style` is what they share."""
