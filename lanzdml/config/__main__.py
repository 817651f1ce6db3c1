"""``python -m lanzdml.config FILE...`` says what is wrong with a configuration.

Without files it prints the JSON schema, ``resources/config.schema.json``.
"""

import json
import sys

from lanzdml.errors import plain_errors

with plain_errors():
    from lanzdml.config.config import json_schema, parse_config
    from lanzdml.config.file import read_values

    if files := sys.argv[1:]:
        parse_config(read_values(files))
        print(f"{' and '.join(files)}: nothing is wrong with it")
    else:
        print(json.dumps(json_schema(), indent=2))
