"""A PostgreSQL and a Valkey server from wheels, for the two commands. No models."""
