from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import search.engine


def builds_of_older_documents_do_not_answer(apps: Any, schema_editor: Any) -> None:
    """Documents have gained fields: an index built before must be built again."""
    apps.get_model("clipsite_search", "LiveIndex").objects.all().delete()
    apps.get_model("clipsite_search", "IndexBuild").objects.update(verified_at=None)


class Migration(migrations.Migration):
    dependencies = [("clipsite_search", "0001_initial"), ("clipsite_ingest", "0001_initial")]

    operations = [
        migrations.RunPython(
            builds_of_older_documents_do_not_answer, migrations.RunPython.noop
        ),
        # Every build so far was embedded, whatever engine is configured now.
        migrations.AddField(
            "indexbuild", "engine", models.CharField(default="lancedb", editable=False, max_length=20)
        ),
        migrations.AlterField(
            "indexbuild",
            "engine",
            models.CharField(default=search.engine.engine_name, editable=False, max_length=20),
        ),
        migrations.AddField(
            "indexbuild",
            "slot",
            models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="Where it stands in an engine that has room for two generations only.",
                max_length=1,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "indexbuild", "verification", models.JSONField(blank=True, default=dict, editable=False)
        ),
        migrations.AddField(
            "liveindex",
            "engine",
            models.CharField(default="lancedb", max_length=20, unique=True),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="Rejection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                (
                    "build",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rejections",
                        to="clipsite_search.indexbuild",
                    ),
                ),
                (
                    "image",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="clipsite_ingest.image",
                    ),
                ),
            ],
            options={"ordering": ["pk"]},
        ),
    ]
