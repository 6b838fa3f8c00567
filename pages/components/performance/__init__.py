"""What the page of a model's figures is made of."""
