"""Reads flags as an app in Python does, with OpenFeature and its official provider of OFREP.

Argument, questions and answers are those of flags.mjs.
"""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

api.set_provider(OFREPProvider(sys.argv[1]))
CLIENT = api.get_client()

READS = {
    bool: CLIENT.get_boolean_details,
    int: CLIENT.get_integer_details,
    str: CLIENT.get_string_details,
    dict: CLIENT.get_object_details,
}

for line in sys.stdin:
    question = json.loads(line)
    default = question["default"]
    context = EvaluationContext(attributes=question["context"])
    read = READS[type(default)](question["key"], default, context)
    said = {
        "value": read.value,
        "reason": read.reason,
        "variant": read.variant,
        "overridden": read.flag_metadata.get("overridden", False),
        "error": read.error_code,
    }
    print(json.dumps(said), flush=True)
