"""What a sentence states, held against the Facts."""
