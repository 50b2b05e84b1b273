"""Imports what a server of Prism needs, and warms the check; see `forked`."""

# ruff: noqa: F401 - to have imported them is all that is wanted
import pandas  # as pyarrow does when the ranker reads its dataset
import pyarrow.dataset

import models.prism.engines.ctranslate2_engine
import service.cli.main
import service.deployments.distributed
import service.deployments.embedded
import service.http.server
import service.logs
from models.faithfulness.policies import warm
from service.collector import freeze

warm()
freeze()
