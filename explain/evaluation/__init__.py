"""How good is a map? Measures of an explanation's worth, and the controls that they are read against."""
