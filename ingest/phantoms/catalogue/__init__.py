"""Every kind of picture in the corpus, with the words for what it can show."""

from ingest.phantoms.catalogue.body_ct import BODY_CT
from ingest.phantoms.catalogue.brain_scans import BRAIN_SCANS
from ingest.phantoms.catalogue.radiographs import RADIOGRAPHS
from ingest.phantoms.catalogue.sonograms import SONOGRAMS
from ingest.phantoms.catalogue.tissue import TISSUE

KINDS = (*RADIOGRAPHS, *BODY_CT, *BRAIN_SCANS, *SONOGRAMS, *TISSUE)
KIND_BY_NAME = {kind.name: kind for kind in KINDS}

__all__ = ["KINDS", "KIND_BY_NAME"]
