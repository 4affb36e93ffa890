"""What can be proved about rules: rows out of reach, rows of which the order decides, leads nobody gets."""
