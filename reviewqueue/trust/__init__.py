"""Pure numbers behind routing and trust: arrays in, values out."""
