"""Parts of the Explanation quality page."""
