"""Partners' habits, translated at the edge: one community, one file, one table."""

from mappings.dialects.bars import BARS
from mappings.dialects.base import BASE
from mappings.dialects.bser import BSER
from mappings.dialects.dialect import Dialect
from mappings.dialects.sdohcc import SDOHCC

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (BASE, BARS, BSER, SDOHCC)}
