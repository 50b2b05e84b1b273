"""The policy `described`: open language, held against descriptions word by word; offline only."""
