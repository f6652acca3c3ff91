from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "ingest"
    label = "clipsite_ingest"
    verbose_name = "Corpus"
