"""Training of the gate: what pictures are, in which plane, of which sequence."""
