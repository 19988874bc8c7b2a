"""One feature of every type, declared for the tests of files."""

from predictions.declaration import declaration_from_json

DECLARATION = declaration_from_json(
    {
        "slug": "machines",
        "name": "Machines",
        "question": "Stop?",
        "labels": [
            {"key": "running", "name": "Running"},
            {"key": "failure", "name": "Failure", "positive": True},
        ],
        "features": [
            {"name": "air_temperature", "type": "number"},
            {"name": "wear", "type": "integer"},
            {"name": "kind", "type": "category", "values": ["L", "1"]},
            {"name": "hot", "type": "boolean"},
            {"name": "note", "type": "text"},
            {"name": "seen", "type": "datetime"},
        ],
        "costs": {"false_positive": 1, "false_negative": 1},
    }
)
