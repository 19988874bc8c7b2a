"""Spoken entries: sound to words to values. Pure: samples in, words and values out."""
