"""What the page that compares models is made of."""
