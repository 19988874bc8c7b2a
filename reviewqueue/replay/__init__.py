"""Labelled rows as a stream through the real services, with time compressed."""
