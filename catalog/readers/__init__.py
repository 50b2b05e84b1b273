"""From other people's files to a Dataset: the one importer, the known data sets, the demo."""
