"""Findings that chest radiographs and chest CT share."""

from ingest.phantoms.study import FindingKind

ANY_SIDE = ("left", "right", "left", "right", "bilateral")
ONE_SIDE = ("left", "right")
LOBES = ("upper lobe", "lower lobe", "middle lobe")

EFFUSION = FindingKind(
    what="pleural effusion",
    names=(("pleural effusion", "pleural effusions"),),
    phrases=(
        "{n} {size} {side} pleural effusion",
        "{n} {size} pleural effusion on the {side}",
        "{n} {size} {side}-sided effusion",
        "{size} {side} pleural fluid collection",
    ),
    both=("{size} bilateral pleural effusions", "{size} effusions on both sides"),
    sides=ANY_SIDE,
    absent="pleural effusion",
    excludes=("pneumothorax", "consolidation", "lung mass", "lung nodule"),
)
PNEUMOTHORAX = FindingKind(
    what="pneumothorax",
    names=(("pneumothorax", "pneumothoraces"),),
    phrases=(
        "{n} {size} {side} pneumothorax",
        "{n} {size} pneumothorax on the {side} with a visible pleural edge",
        "{n} {size} {side}-sided pneumothorax with partial collapse of the lung",
    ),
    sides=ONE_SIDE,
    absent="pneumothorax",
    excludes=("consolidation", "lung mass", "lung nodule", "ground-glass opacity", "emphysema"),
)
NODULE = FindingKind(
    what="lung nodule",
    names=(("lung nodule", "lung nodules"), ("pulmonary nodule", "pulmonary nodules")),
    phrases=(
        "{n} {size} {name} in the {side} {where}",
        "{n} {mm} {name} in the {side} {where}",
        "{n} well-defined {side} {where} nodule measuring {mm}",
        "{n} solitary round {name} in the {side} {where}",
    ),
    many=("{n} {name} in the {side} lung", "{n} {side}-sided {name} up to {mm}"),
    both=("{n} bilateral {name}", "{n} round {name} in both lungs, up to {mm} in size"),
    places=LOBES,
    sides=ANY_SIDE,
    counts=(1, 1, 1, 2, 3),
    both_counts=(2, 4, 5, 6),
    absent="pulmonary nodule",
    excludes=("lung mass",),
)
MASS = FindingKind(
    what="lung mass",
    names=(("lung mass", "lung masses"), ("pulmonary mass", "pulmonary masses")),
    phrases=(
        "{n} spiculated mass in the {side} {where}",
        "{n} {mm} spiculated {name} in the {side} {where}, suspicious for bronchogenic carcinoma",
        "{n} {mm} {side} {where} mass with irregular margins",
    ),
    places=LOBES,
    sides=ONE_SIDE,
    mm=(36, 58),
    absent="lung mass",
    excludes=("consolidation",),
)
CONSOLIDATION = FindingKind(
    what="consolidation",
    names=(("consolidation", "consolidations"), ("airspace opacity", "airspace opacities")),
    phrases=(
        "{size} {side} {where} consolidation",
        "{size} consolidation in the {side} {where} with air bronchograms",
        "{n} airspace opacity in the {side} {where}, consistent with pneumonia",
        "{side} {where} pneumonia",
    ),
    places=LOBES,
    sides=ONE_SIDE,
    grades=("small", "extensive"),
    absent="consolidation",
    excludes=("emphysema", "ground-glass opacity"),
)
COMPLAINTS = (
    "shortness of breath",
    "cough",
    "chest pain",
    "fever and cough",
    "progressive dyspnoea",
    "weight loss",
)
