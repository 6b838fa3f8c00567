"""Parts of the Site calibration page."""
