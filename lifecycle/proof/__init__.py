"""A model's life on a labelled stream, and whether what is promised of it holds."""
