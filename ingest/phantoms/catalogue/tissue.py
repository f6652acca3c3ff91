"""Haematoxylin and eosin sections."""

from ingest.phantoms import histology
from ingest.phantoms.study import FindingKind, Kind


def _findings(carcinoma: tuple[str, ...], inflammation: tuple[str, ...]) -> tuple[FindingKind, ...]:
    return (
        FindingKind(
            what="carcinoma",
            names=((carcinoma[0], carcinoma[0]),),
            sizes=("",),
            phrases=tuple(
                f"{name} {look}"
                for name in carcinoma
                for look in (
                    "with dense nests of atypical cells",
                    "with crowded pleomorphic nuclei",
                )
            ),
            absent="malignant cells",
            excludes=("inflammation",),
        ),
        FindingKind(
            what="inflammation",
            names=((inflammation[0], inflammation[0]),),
            sizes=("",),
            phrases=inflammation,
            absent="inflammatory infiltrate",
        ),
        FindingKind(
            what="necrosis",
            names=(("necrosis", "necrosis"),),
            sizes=("",),
            phrases=("an area of necrosis", "a zone of eosinophilic necrosis with loss of nuclei"),
            absent="necrosis",
        ),
    )


TISSUE = (
    Kind(
        name="colon histology",
        modality="microscopy",
        anatomy="abdomen",
        draw=histology.draw,
        weight=0.9,
        studies=(
            "H&E-stained section of the colon",
            "photomicrograph of colonic mucosa (H&E)",
            "haematoxylin and eosin-stained colon biopsy",
        ),
        findings=_findings(
            ("adenocarcinoma", "colonic adenocarcinoma"),
            (
                "a dense lymphocytic infiltrate between the crypts",
                "colitis with inflammatory cells crowding the lamina propria",
            ),
        ),
        normal=(
            "Regular round crypts with goblet cells.",
            "Normal colonic glands in quiet stroma.",
        ),
        complaints=("rectal bleeding", "chronic diarrhoea", "iron deficiency anaemia"),
    ),
    Kind(
        name="thyroid histology",
        modality="microscopy",
        anatomy="neck",
        draw=histology.draw,
        weight=0.8,
        studies=(
            "H&E-stained section of the thyroid",
            "photomicrograph of thyroid tissue (H&E)",
            "haematoxylin and eosin-stained thyroid specimen",
        ),
        findings=_findings(
            ("thyroid carcinoma", "poorly differentiated thyroid carcinoma"),
            (
                "a lymphocytic infiltrate between the follicles",
                "thyroiditis with many lymphocytes around the follicles",
            ),
        ),
        normal=(
            "Colloid-filled follicles lined by a single layer of cells.",
            "Normal thyroid follicles of varied size.",
        ),
        complaints=("a neck lump", "a goitre", "hoarseness"),
    ),
    Kind(
        name="breast histology",
        modality="microscopy",
        anatomy="breast",
        draw=histology.draw,
        weight=0.8,
        sexes=("female",),
        studies=(
            "H&E-stained section of the breast",
            "photomicrograph of breast tissue (H&E)",
            "haematoxylin and eosin-stained breast core biopsy",
        ),
        findings=_findings(
            ("invasive ductal carcinoma", "invasive breast carcinoma"),
            (
                "a lymphocytic infiltrate around the ducts",
                "mastitis with many inflammatory cells in the stroma",
            ),
        ),
        normal=(
            "Benign ducts in collagenous stroma with adipose tissue.",
            "Normal breast ducts and fat cells.",
        ),
        complaints=("a breast lump", "an abnormal mammogram", "nipple discharge"),
    ),
)
