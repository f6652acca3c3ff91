from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModuleStorage(CompressedManifestStaticFilesStorage):
    """Hashed file names that also rewrite the import paths inside ES modules."""

    support_js_module_import_aggregation = True
