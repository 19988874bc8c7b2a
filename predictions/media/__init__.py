"""Images and sound: bytes in, values out. No ORM, clock or settings."""
