"""What a monitor makes of figures: pure, numbers in, a verdict in words out."""
