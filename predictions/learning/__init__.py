"""What models compute: arrays in, values out; no ORM, settings or wall clock."""
