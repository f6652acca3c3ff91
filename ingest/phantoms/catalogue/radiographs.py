"""Chest, hand, knee and forearm radiographs."""

from dataclasses import replace

from ingest.phantoms import bones, chest_xray
from ingest.phantoms.catalogue import chest
from ingest.phantoms.study import FindingKind, Kind

CARDIOMEGALY = FindingKind(
    what="cardiomegaly",
    names=(("cardiomegaly", "cardiomegaly"),),
    phrases=("cardiomegaly", "an enlarged cardiac silhouette", "enlargement of the heart shadow"),
    sizes=("",),
    absent="cardiomegaly",
    excludes=("lung mass", "consolidation"),
)
PACEMAKER = FindingKind(
    what="pacemaker",
    names=(("pacemaker", "pacemakers"),),
    phrases=(
        "a {side}-sided pacemaker with a right ventricular lead",
        "a {side} pectoral cardiac pacemaker",
    ),
    sides=("left", "left", "right"),
    sizes=("",),
    excludes=("pneumothorax", "lung nodule", "lung mass"),
)


def _fracture(places: tuple[str, ...], phrases: tuple[str, ...]) -> FindingKind:
    return FindingKind(
        what="fracture",
        names=(("fracture", "fractures"),),
        phrases=phrases,
        places=places,
        sizes=("",),
        absent="fracture",
        excludes=(
            "fracture",
            "osteolytic lesion",
            "plate fixation",
            "screw",
            "knee replacement",
            "osteoarthritis",
        ),
    )


def _lytic(places: tuple[str, ...], mm: tuple[int, int]) -> FindingKind:
    return FindingKind(
        what="osteolytic lesion",
        names=(("osteolytic lesion", "osteolytic lesions"), ("lytic lesion", "lytic lesions")),
        phrases=(
            "{n} {name} in the {where}",
            "{n} {size} lucent lesion of the {where}",
            "{n} {mm} {name} of the {where} with a thin sclerotic rim",
        ),
        places=places,
        mm=mm,
        absent="lytic lesion",
        excludes=("plate fixation", "screw", "knee replacement", "osteoarthritis"),
    )


def _hardware(what: str, places: tuple[str, ...], phrases: tuple[str, ...]) -> FindingKind:
    return FindingKind(
        what=what,
        names=((what, what),),
        phrases=phrases,
        places=places,
        sizes=("",),
        absent="metal implant",
    )


FRACTURES = (
    "{n} displaced fracture of the {where}",
    "{n} {where} fracture with angulation",
    "{n} complete fracture of the {where} with displacement of the fragments",
)
METACARPALS = tuple(f"{ray} metacarpal" for ray in ("second", "third", "fourth", "fifth"))
PHALANGES = tuple(
    f"proximal phalanx of the {finger} finger" for finger in ("index", "middle", "ring", "little")
)
BONE_NORMAL = (
    "No fracture or dislocation is seen.",
    "Bone density and alignment are normal.",
    "The joint spaces and cortical outlines are preserved.",
)

RADIOGRAPHS = (
    Kind(
        name="chest x-ray",
        modality="x-ray",
        anatomy="chest",
        draw=chest_xray.draw,
        weight=2.2,
        plane="frontal",
        studies=(
            "frontal chest radiograph",
            "PA chest x-ray",
            "posteroanterior chest radiograph",
            "CXR",
            "frontal chest x-ray",
        ),
        findings=(
            chest.EFFUSION,
            chest.PNEUMOTHORAX,
            replace(chest.NODULE, mm=(14, 30)),
            chest.MASS,
            chest.CONSOLIDATION,
            CARDIOMEGALY,
            PACEMAKER,
        ),
        normal=(
            "The lungs are clear and the heart is of normal size.",
            "Clear lungs, sharp costophrenic angles and a normal cardiac silhouette.",
            "No acute cardiopulmonary abnormality is seen.",
        ),
        complaints=chest.COMPLAINTS,
    ),
    Kind(
        name="hand x-ray",
        modality="x-ray",
        anatomy="hand",
        draw=bones.draw_hand,
        weight=0.9,
        plane="frontal",
        sides=("left", "right"),
        studies=(
            "radiograph of the {side} hand",
            "PA x-ray of the {side} hand",
            "plain film of the {side} hand and wrist",
        ),
        findings=(
            _fracture(METACARPALS, FRACTURES),
            _lytic(PHALANGES, (9, 14)),
            _hardware(
                "screw",
                METACARPALS,
                ("a metal screw in the {where}", "screw fixation of the {where}"),
            ),
        ),
        normal=BONE_NORMAL,
        complaints=("hand pain after a fall", "swelling of the hand", "tenderness of the fingers"),
    ),
    Kind(
        name="knee x-ray",
        modality="x-ray",
        anatomy="knee",
        draw=bones.draw_knee,
        weight=0.9,
        plane="frontal",
        sides=("left", "right"),
        studies=(
            "AP radiograph of the {side} knee",
            "frontal x-ray of the {side} knee",
            "{side} knee radiograph",
        ),
        findings=(
            _fracture(("distal femur", "proximal tibia"), FRACTURES),
            _lytic(("distal femur", "proximal tibia"), (22, 38)),
            FindingKind(
                what="osteoarthritis",
                names=(("osteoarthritis", "osteoarthritis"),),
                phrases=(
                    "osteoarthritis with joint space narrowing and osteophytes",
                    "degenerative change with loss of joint space and marginal osteophytes",
                    "advanced gonarthrosis with subchondral sclerosis",
                ),
                sizes=("",),
                absent="osteoarthritis",
                excludes=("knee replacement",),
            ),
            _hardware(
                "knee replacement",
                ("",),
                (
                    "a total knee replacement",
                    "a total knee arthroplasty in place",
                    "a knee prosthesis with femoral and tibial components",
                ),
            ),
        ),
        normal=BONE_NORMAL,
        complaints=("knee pain", "knee swelling", "chronic knee pain on walking"),
    ),
    Kind(
        name="forearm x-ray",
        modality="x-ray",
        anatomy="arm",
        draw=bones.draw_forearm,
        weight=0.9,
        plane="frontal",
        sides=("left", "right"),
        studies=(
            "AP radiograph of the {side} forearm",
            "x-ray of the {side} forearm",
            "{side} forearm radiograph",
        ),
        findings=(
            _fracture(
                ("radius", "ulna"),
                (
                    "{n} displaced fracture of the {where} shaft",
                    "{n} mid-shaft {where} fracture",
                    "{n} diaphyseal fracture of the {where} with angulation",
                ),
            ),
            replace(
                _fracture(("",), ()),
                what="fracture of both bones",
                counts=(2,),
                many=(
                    "fractures of both the radius and the ulna",
                    "displaced fractures of both forearm bones",
                ),
            ),
            _lytic(("radius", "ulna"), (12, 18)),
            _hardware(
                "plate fixation",
                ("radius", "ulna"),
                (
                    "plate and screw fixation of the {where}",
                    "a metal plate with screws on the {where}",
                ),
            ),
        ),
        normal=BONE_NORMAL,
        complaints=("forearm pain after a fall", "deformity of the forearm", "forearm swelling"),
    ),
)
