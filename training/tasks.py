from celery import shared_task

from jobs.running import run
from training.models import Evaluation, TrainingRun


@shared_task
def run_finetune(pk: int) -> None:
    from training.finetuning import finetune

    run(TrainingRun.objects.get(pk=pk), finetune)


@shared_task
def run_evaluation(pk: int) -> None:
    from training.evaluation import evaluate

    run(Evaluation.objects.get(pk=pk), evaluate)
