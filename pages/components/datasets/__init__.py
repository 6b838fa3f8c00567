"""What the page of the datasets is made of."""
