"""Personal data in texts: found by patterns of ours, and masked. Pure."""
