"""The components of the page of model performance."""
