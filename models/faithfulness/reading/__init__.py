"""A sentence read by the grammar: from its words to what it states."""
