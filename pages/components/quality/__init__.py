"""What the page of the board is made of."""
