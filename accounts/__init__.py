"""Who may do what: people, service accounts, roles per workflow, API keys."""
