"""The demo: real and generated streams, and simulated reviewers who leave a history."""
