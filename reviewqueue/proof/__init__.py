"""The whole path on real rows: what goes in is followed until it has all come out."""
