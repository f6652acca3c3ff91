from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"
    label = "clipsite_training"
    verbose_name = "Training"
