"""check_schema.py SCHEMA GOOD BAD: every document of the list GOOD fits the JSON Schema, none of BAD does."""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("skip: no Python module jsonschema")
    sys.exit(77)

schema, good, bad = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:4])
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
failures = 0
for document in good:
    for error in validator.iter_errors(document):
        print(f"refused at {error.json_path}: {error.message[:300]}\n  {json.dumps(document)}")
        failures += 1
for document in bad:
    if validator.is_valid(document):
        print(f"accepted: {json.dumps(document)}")
        failures += 1
print(f"{len(good)} good, {len(bad)} bad documents, {failures} failures")
sys.exit(1 if failures else 0)
