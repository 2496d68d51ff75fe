"""Parses metrics on standard input with the parser of `prometheus_client`, and prints them as JSON."""

import json
import sys

from prometheus_client import parser
from prometheus_client.utils import floatToGoString
from prometheus_client.openmetrics import parser as openmetrics



def checked(sample):
    """Returns the parts of a sample, whose bound, if it has one, is written as Prometheus writes it."""
    bound = sample.labels.get("le")
    if bound is not None and bound != floatToGoString(float(bound)):
        raise ValueError(f"the bound {bound} is not canonical")
    return [sample.name, sample.labels, repr(float(sample.value))]


text = sys.stdin.buffer.read().decode()
parse = {"Prometheus": parser, "OpenMetrics": openmetrics}[sys.argv[1]].text_string_to_metric_families
json.dump(
    [
        {
            "name": family.name,
            "type": family.type,
            "help": family.documentation,
            "unit": family.unit,
            "samples": [checked(sample) for sample in family.samples],
        }
        for family in parse(text)
    ],
    sys.stdout,
)
