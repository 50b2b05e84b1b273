"""What is recommended and who touched it: the types everybody shares, and the data on disk."""
