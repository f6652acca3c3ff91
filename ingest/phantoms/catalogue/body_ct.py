"""CT of chest and abdomen."""

from dataclasses import replace

from ingest.phantoms import abdomen_ct, chest_ct
from ingest.phantoms.catalogue import chest
from ingest.phantoms.study import FindingKind, Kind

GROUND_GLASS = FindingKind(
    what="ground-glass opacity",
    names=(("ground-glass opacity", "ground-glass opacities"),),
    phrases=(
        "{n} area of {size} ground-glass opacity in the {side} {where}",
        "{size} ground-glass opacification of the {side} {where}",
    ),
    both=(
        "{size} bilateral ground-glass opacities",
        "areas of {size} ground-glass opacity in both lungs",
    ),
    places=("upper lobe", "lower lobe"),
    sides=chest.ANY_SIDE,
    grades=("focal", "extensive"),
    absent="ground-glass opacity",
    excludes=("consolidation", "emphysema"),
)
EMPHYSEMA = FindingKind(
    what="emphysema",
    names=(("emphysema", "emphysema"),),
    phrases=("bullous emphysema of the {side} lung",),
    both=("bilateral bullous emphysema", "emphysema with thin-walled bullae in both lungs"),
    sides=("bilateral",),
    sizes=("",),
    both_counts=(1,),
    absent="emphysema",
    excludes=("lung nodule", "pneumothorax", "pleural effusion", "lung mass"),
)


def _liver(
    what: str,
    names: tuple[tuple[str, str], ...],
    phrases: tuple[str, ...],
    many: tuple[str, ...],
    counts: tuple[int, ...],
    mm: tuple[int, int],
) -> FindingKind:
    others = {"liver cyst", "liver mass", "liver metastases", "fatty liver"} - {what}
    return FindingKind(
        what=what,
        names=names,
        phrases=phrases,
        many=many,
        counts=counts,
        mm=mm,
        places=("right lobe", "left lobe"),
        absent="" if what == "liver mass" else names[0][0],
        excludes=tuple(sorted(others)),
    )


ABDOMEN = (
    FindingKind(
        what="ascites",
        names=(("ascites", "ascites"),),
        phrases=("{size} volume ascites", "{n} {size} amount of free abdominal fluid"),
        absent="ascites",
        excludes=("splenomegaly",),
    ),
    _liver(
        "liver cyst",
        (("liver cyst", "liver cysts"), ("hepatic cyst", "hepatic cysts")),
        ("{n} {mm} {name} in the {where}", "{n} {size} simple {name} in the {where} of the liver"),
        ("{n} {name}", "{n} well-defined {name} of water density"),
        (1, 1, 2, 3),
        (22, 40),
    ),
    _liver(
        "liver mass",
        (("liver mass", "liver masses"), ("hepatic tumour", "hepatic tumours")),
        (
            "{n} {mm} rim-enhancing {name} in the {where}",
            "{n} {size} enhancing {name} in the {where} of the liver",
        ),
        (),
        (1,),
        (30, 48),
    ),
    _liver(
        "liver metastases",
        (("liver metastases", "liver metastases"), ("hepatic metastases", "hepatic metastases")),
        ("{n} {name}",),
        ("{n} hypodense {name} in both lobes", "{n} {name} up to {mm}"),
        (4, 5, 6),
        (16, 24),
    ),
    FindingKind(
        what="fatty liver",
        names=(("fatty liver", "fatty liver"),),
        sizes=("",),
        phrases=("diffuse fatty liver", "hepatic steatosis with low liver attenuation"),
        absent="hepatic steatosis",
    ),
    FindingKind(
        what="splenomegaly",
        names=(("splenomegaly", "splenomegaly"),),
        sizes=("",),
        phrases=("splenomegaly", "marked enlargement of the spleen"),
        absent="splenomegaly",
    ),
    FindingKind(
        what="hydronephrosis",
        names=(("hydronephrosis", "hydronephrosis"),),
        phrases=(
            "{side} hydronephrosis",
            "{size} {side} hydronephrosis",
            "dilatation of the {side} renal collecting system",
        ),
        grades=("mild", "severe"),
        sides=chest.ONE_SIDE,
        absent="hydronephrosis",
        excludes=("renal cyst",),
    ),
    FindingKind(
        what="kidney stone",
        mm=(8, 12),
        counts=(1, 1, 2),
        sides=chest.ANY_SIDE,
        names=(("kidney stone", "kidney stones"), ("renal calculus", "renal calculi")),
        phrases=(
            "{n} {mm} {name} on the {side}",
            "{n} {size} {side} {name}",
            "{side} nephrolithiasis with a {mm} stone",
        ),
        many=("{n} {side} {name}", "{side} nephrolithiasis with {n} stones"),
        both=("{n} {name}, one on each side", "bilateral nephrolithiasis"),
        absent="renal calculus",
        excludes=("renal cyst",),
    ),
    FindingKind(
        what="renal cyst",
        mm=(26, 46),
        sides=chest.ONE_SIDE,
        names=(("renal cyst", "renal cysts"), ("kidney cyst", "kidney cysts")),
        phrases=("{n} {mm} simple {side} {name}", "{n} {size} exophytic {name} on the {side}"),
        absent="renal cyst",
    ),
    FindingKind(
        what="aortic aneurysm",
        mm=(42, 66),
        names=(("abdominal aortic aneurysm", "abdominal aortic aneurysms"),),
        phrases=(
            "{n} {mm} {name} with mural thrombus",
            "{n} {size} {name}",
            "aneurysmal dilatation of the abdominal aorta to {mm} with calcified walls",
        ),
        absent="aortic aneurysm",
    ),
)

BODY_CT = (
    Kind(
        name="chest ct",
        modality="ct",
        anatomy="chest",
        draw=chest_ct.draw,
        plane="axial",
        weight=1.6,
        studies=(
            "axial lung-window chest CT",
            "CT of the chest in lung window",
            "axial thoracic computed tomography",
            "axial CT of the thorax",
        ),
        findings=(
            chest.EFFUSION,
            chest.PNEUMOTHORAX,
            replace(chest.NODULE, mm=(12, 24)),
            replace(chest.MASS, mm=(36, 50)),
            chest.CONSOLIDATION,
            GROUND_GLASS,
            EMPHYSEMA,
        ),
        normal=(
            "The lungs are clear without focal opacity.",
            "Normal lung parenchyma and patent central airways.",
            "No suspicious pulmonary abnormality is seen.",
        ),
        complaints=chest.COMPLAINTS,
    ),
    Kind(
        name="abdomen ct",
        modality="ct",
        anatomy="abdomen",
        draw=abdomen_ct.draw,
        plane="axial",
        weight=1.8,
        studies=(
            "axial contrast-enhanced CT of the abdomen",
            "portal venous phase abdominal CT",
            "CT of the abdomen with intravenous contrast",
            "axial abdominal computed tomography",
        ),
        findings=ABDOMEN,
        normal=(
            "The liver, spleen and kidneys are unremarkable.",
            "Normal solid organs and a normal calibre aorta.",
            "No acute intra-abdominal abnormality is seen.",
        ),
        complaints=("abdominal pain", "flank pain", "abdominal distension", "weight loss"),
    ),
)
