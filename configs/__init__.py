"""The config: schema, presets, loading and its error messages.

``load`` reads a preset or a file and flags into a frozen ``Config``, or raises ``ConfigError`` with every
fault at once; ``check`` judges by the tables of what makes sense together.
"""

from touchline.configs.combinations import resolve_gradient, splits
from touchline.configs.errors import ConfigError, Fault, Place
from touchline.configs.judging import check
from touchline.configs.loading import Resolved, load
from touchline.configs.policy_arguments import PolicyArguments, policy_arguments
from touchline.configs.presets import preset_names
from touchline.configs.reference import Described, describe, describe_sections, json_schema
from touchline.configs.schema import Config
from touchline.configs.validation import from_plain
from touchline.configs.writing import dump_yaml, to_plain

__all__ = [
    "Config",
    "ConfigError",
    "Described",
    "Fault",
    "Place",
    "PolicyArguments",
    "Resolved",
    "check",
    "describe",
    "describe_sections",
    "dump_yaml",
    "from_plain",
    "json_schema",
    "load",
    "policy_arguments",
    "preset_names",
    "resolve_gradient",
    "splits",
    "to_plain",
]
