"""Monitors: what each is (`registry`), what it looks at (`looks`), when (`watch`)."""
