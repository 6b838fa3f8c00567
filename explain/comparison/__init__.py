"""Where do several models agree about one scan, and where do several maps? Pure arithmetic, no page."""
