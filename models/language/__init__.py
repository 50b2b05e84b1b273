"""English, and the grammar that speaks it: words, clauses, and the grounded texts made of them."""
