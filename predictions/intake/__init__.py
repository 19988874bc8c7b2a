"""From what was sent to valid items: pure, in bounded memory."""
