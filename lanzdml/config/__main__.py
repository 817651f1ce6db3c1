"""``python -m lanzdml.config`` prints the JSON schema, ``resources/config.schema.json``."""

import json

from lanzdml.config.config import json_schema

print(json.dumps(json_schema(), indent=2))
