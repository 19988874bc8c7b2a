"""How the pages look: navigation, theme, template tags. Has no models."""
