"""Parts of the Model performance page."""
