"""Ultrasound of gallbladder, kidney, thyroid and breast."""

from ingest.phantoms import ultrasound
from ingest.phantoms.study import FindingKind, Kind

SHADOW = ("posterior acoustic shadowing", "a clean acoustic shadow")
ENHANCEMENT = ("posterior acoustic enhancement",)

SONOGRAMS = (
    Kind(
        name="gallbladder ultrasound",
        modality="ultrasound",
        anatomy="abdomen",
        weight=1.0,
        draw=ultrasound.draw_gallbladder,
        studies=(
            "ultrasound of the gallbladder",
            "right upper quadrant ultrasound",
            "abdominal sonogram of the gallbladder",
        ),
        findings=(
            FindingKind(
                what="cholecystitis",
                names=(("cholecystitis", "cholecystitis"),),
                sizes=("",),
                phrases=(
                    "gallbladder wall thickening with pericholecystic fluid",
                    "a thickened gallbladder wall in keeping with acute cholecystitis",
                ),
                absent="gallbladder wall thickening",
            ),
            FindingKind(
                what="gallstones",
                mm=(8, 16),
                counts=(1, 1, 2, 3, 4),
                names=(
                    ("gallstone", "gallstones"),
                    ("gallbladder calculus", "gallbladder calculi"),
                ),
                phrases=(
                    "{n} {mm} {name}",
                    "{n} {size} echogenic {name}",
                    "cholelithiasis with a single {mm} stone",
                ),
                many=("{n} echogenic {name}", "cholelithiasis with {n} stones"),
                absent="gallstone",
                remarks=SHADOW,
            ),
        ),
        normal=(
            "Thin-walled gallbladder without stones or sludge.",
            "The gallbladder is anechoic with a thin wall.",
        ),
        complaints=("right upper quadrant pain", "biliary colic", "fever and abdominal pain"),
    ),
    Kind(
        name="kidney ultrasound",
        modality="ultrasound",
        anatomy="abdomen",
        weight=1.1,
        draw=ultrasound.draw_kidney,
        plane="sagittal",
        sides=("left", "right"),
        studies=(
            "ultrasound of the {side} kidney",
            "longitudinal sonogram of the {side} kidney",
            "{side} renal ultrasound",
        ),
        findings=(
            FindingKind(
                what="hydronephrosis",
                names=(("hydronephrosis", "hydronephrosis"),),
                phrases=(
                    "{size} hydronephrosis",
                    "a {size} degree of hydronephrosis",
                    "hydronephrosis with a dilated renal pelvis and calyces",
                ),
                grades=("mild", "severe"),
                absent="hydronephrosis",
                excludes=("kidney stone", "renal cyst"),
            ),
            FindingKind(
                what="kidney stone",
                mm=(8, 14),
                counts=(1, 1, 2),
                names=(("kidney stone", "kidney stones"), ("renal calculus", "renal calculi")),
                phrases=(
                    "{n} {mm} {name} in the {where}",
                    "{n} {size} echogenic {name} in the {where}",
                    "nephrolithiasis with a {mm} stone in the {where}",
                ),
                many=("{n} {name}", "nephrolithiasis with {n} echogenic stones"),
                places=("upper pole", "lower pole", "mid kidney"),
                absent="renal calculus",
                remarks=SHADOW,
            ),
            FindingKind(
                what="renal cyst",
                mm=(22, 36),
                names=(("renal cyst", "renal cysts"), ("kidney cyst", "kidney cysts")),
                phrases=(
                    "{n} {mm} anechoic {name} at the {where}",
                    "{n} {size} simple cortical {name} at the {where}",
                ),
                places=("upper pole", "lower pole"),
                absent="renal cyst",
                remarks=ENHANCEMENT,
            ),
        ),
        normal=(
            "Normal renal size and cortical echogenicity.",
            "The kidney is normal without calculus or dilatation.",
        ),
        complaints=("flank pain", "haematuria", "recurrent urinary infection"),
    ),
    Kind(
        name="thyroid ultrasound",
        modality="ultrasound",
        anatomy="neck",
        weight=1.0,
        draw=ultrasound.draw_thyroid,
        plane="transverse",
        studies=(
            "transverse ultrasound of the thyroid",
            "transverse thyroid sonogram",
            "neck ultrasound at the level of the thyroid",
        ),
        findings=(
            FindingKind(
                what="thyroid nodule",
                mm=(5, 10),
                sides=("left", "right", "bilateral"),
                names=(("thyroid nodule", "thyroid nodules"),),
                phrases=(
                    "{n} {mm} hypoechoic {name} in the {side} lobe",
                    "{n} {size} solid nodule in the {side} thyroid lobe",
                ),
                both=(
                    "{n} hypoechoic {name} affecting both lobes",
                    "nodular thyroid with {n} solid nodules in the two lobes",
                ),
                both_counts=(2,),
                absent="thyroid nodule",
                excludes=("thyroid cyst",),
            ),
            FindingKind(
                what="thyroid cyst",
                mm=(6, 10),
                sides=("left", "right"),
                names=(("thyroid cyst", "thyroid cysts"), ("colloid cyst", "colloid cysts")),
                phrases=(
                    "{n} {mm} anechoic {name} in the {side} lobe",
                    "{n} {size} {name} of the {side} thyroid lobe",
                ),
                absent="thyroid cyst",
                remarks=ENHANCEMENT,
            ),
        ),
        normal=(
            "Homogeneous thyroid lobes of normal size.",
            "Both thyroid lobes are normal without focal lesion.",
        ),
        complaints=("a palpable neck lump", "swelling of the neck", "difficulty swallowing"),
    ),
    Kind(
        name="breast ultrasound",
        modality="ultrasound",
        anatomy="breast",
        weight=1.0,
        draw=ultrasound.draw_breast,
        sides=("left", "right"),
        sexes=("female",),
        studies=(
            "ultrasound of the {side} breast",
            "{side} breast sonogram",
            "targeted ultrasound of the {side} breast",
        ),
        findings=(
            FindingKind(
                what="breast cyst",
                mm=(9, 16),
                names=(("breast cyst", "breast cysts"),),
                phrases=("{n} {mm} simple {name}", "{n} {size} anechoic cyst with smooth walls"),
                absent="breast cyst",
                remarks=ENHANCEMENT,
                excludes=("breast mass", "fibroadenoma"),
            ),
            FindingKind(
                what="breast mass",
                mm=(12, 20),
                names=(
                    ("hypoechoic mass", "hypoechoic masses"),
                    ("solid breast mass", "solid breast masses"),
                ),
                phrases=(
                    "{n} {mm} irregular {name}, suspicious for carcinoma",
                    "{n} {size} {name} with irregular margins and posterior shadowing",
                ),
                absent="suspicious mass",
                excludes=("fibroadenoma",),
            ),
            FindingKind(
                what="fibroadenoma",
                mm=(12, 20),
                names=(("fibroadenoma", "fibroadenomas"),),
                phrases=(
                    "{n} {mm} oval circumscribed mass consistent with {name}",
                    "{n} {size} well-defined oval {name}",
                ),
                absent="fibroadenoma",
            ),
        ),
        normal=(
            "Normal fibroglandular tissue without a focal lesion.",
            "No cyst or solid mass is seen.",
        ),
        complaints=("a palpable breast lump", "breast pain", "skin dimpling"),
    ),
)
