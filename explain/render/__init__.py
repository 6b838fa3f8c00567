"""Maps drawn over scans, and exported as pictures."""
