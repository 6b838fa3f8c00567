"""Agreement of several models, and of several maps, about one scan: pure arithmetic."""
