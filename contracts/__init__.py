"""The language between the stages and with the ERPs.

Messages are frozen models, topics are YAML data, JSON Schemas and AsyncAPI are generated from them.
Imports the standard library and pydantic only, so that anybody may depend on it.
"""
