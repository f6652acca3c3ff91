"""CT of the head and MRI of the brain."""

from ingest.phantoms import brain
from ingest.phantoms.study import FindingKind, Kind

ONE_SIDE = ("left", "right")
HYDROCEPHALUS = FindingKind(
    what="hydrocephalus",
    names=(("hydrocephalus", "hydrocephalus"),),
    sizes=("",),
    phrases=(
        "hydrocephalus with dilated lateral ventricles",
        "marked dilatation of the lateral ventricles",
        "ventriculomegaly",
    ),
    absent="hydrocephalus",
    excludes=(
        "brain tumour",
        "intracerebral haemorrhage",
        "subdural haematoma",
        "white matter lesions",
        "meningioma",
        "cerebral infarct",
    ),
)
CORTICAL = ("frontal lobe", "temporal lobe", "parietal lobe", "occipital lobe")


def _infarct(look: str) -> FindingKind:
    return FindingKind(
        what="cerebral infarct",
        names=(("infarct", "infarcts"),),
        sides=ONE_SIDE,
        phrases=(
            "{n} {size} {side} {where} infarct",
            f"{{n}} {look} infarct in the {{side}} {{where}}",
            f"{{n}} {{size}} {look} wedge in the {{side}} {{where}}, an ischaemic stroke",
        ),
        places=CORTICAL,
        absent="infarct",
        excludes=(
            "brain tumour",
            "intracerebral haemorrhage",
            "meningioma",
            "white matter lesions",
            "subdural haematoma",
        ),
    )


HEAD_CT = (
    FindingKind(
        what="intracerebral haemorrhage",
        mm=(22, 40),
        sides=ONE_SIDE,
        names=(
            ("intracerebral haemorrhage", "haemorrhages"),
            ("intraparenchymal bleed", "bleeds"),
            ("intracranial hematoma", "hematomas"),
        ),
        phrases=(
            "{n} {mm} {name} in the {side} {where}",
            "{n} {size} {side} {where} {name}",
            "{n} hyperdense {name} in the {side} {where} with surrounding oedema",
        ),
        places=("basal ganglia", "frontal lobe", "parietal lobe", "temporal lobe"),
        absent="intracerebral haemorrhage",
        excludes=("subdural haematoma",),
    ),
    FindingKind(
        what="subdural haematoma",
        sides=ONE_SIDE,
        names=(("subdural haematoma", "subdural haematomas"), ("subdural hematoma", "hematomas")),
        phrases=(
            "{n} {size} {side} {name}",
            "{n} {size} acute {name} over the {side} convexity",
            "{n} crescent-shaped hyperdense {side} {name}",
        ),
        absent="subdural collection",
    ),
    _infarct("hypodense"),
    HYDROCEPHALUS,
)


def _brain_findings(tumour: str, meningioma: str, lesion: str) -> tuple[FindingKind, ...]:
    """MRI findings, described as one sequence shows them."""
    return (
        FindingKind(
            what="brain tumour",
            mm=(24, 40),
            sides=ONE_SIDE,
            names=(
                ("brain tumour", "brain tumours"),
                ("intra-axial mass", "intra-axial masses"),
                ("high-grade glioma", "high-grade gliomas"),
            ),
            phrases=(
                f"{{n}} {{mm}} {{name}} in the {{side}} {{where}} {tumour}",
                f"{{n}} {{size}} {{side}} {{where}} {{name}} {tumour}",
            ),
            places=("frontal lobe", "temporal lobe", "parietal lobe"),
            absent="intra-axial mass",
            excludes=("meningioma", "white matter lesions"),
        ),
        FindingKind(
            what="meningioma",
            mm=(26, 42),
            sides=ONE_SIDE,
            names=(("meningioma", "meningiomas"), ("extra-axial mass", "extra-axial masses")),
            phrases=(
                f"{{n}} {{mm}} {meningioma} {{name}} along the {{side}} {{where}}",
                f"{{n}} {{size}} dural-based {meningioma} {{name}} over the {{side}} {{where}}",
            ),
            places=("frontal lobe", "temporal lobe", "parietal lobe"),
            absent="extra-axial mass",
            excludes=("white matter lesions",),
        ),
        FindingKind(
            what="white matter lesions",
            sides=("bilateral",),
            both_counts=(4, 6, 8, 10),
            sizes=("",),
            names=(
                ("white matter lesion", "white matter lesions"),
                ("demyelinating plaque", "demyelinating plaques"),
            ),
            phrases=("{name}",),
            both=(
                f"{{n}} {lesion} {{name}}",
                f"{{n}} {lesion} {{name}} in both hemispheres, typical of multiple sclerosis",
            ),
            absent="white matter lesion",
        ),
        _infarct(lesion),
        HYDROCEPHALUS,
    )


def _mri(
    name: str,
    sequence: str,
    studies: tuple[str, ...],
    sequels: tuple[str, ...],
    findings: tuple[FindingKind, ...],
) -> Kind:
    return Kind(
        name=name,
        modality="mri",
        anatomy="head",
        draw=brain.draw,
        plane="axial",
        sequence=sequence,
        studies=studies,
        sequels=sequels,
        findings=findings,
        weight=1.1,
        normal=(
            "The ventricles and sulci are normal for age.",
            "Normal appearance of the brain parenchyma.",
            "Grey-white differentiation is preserved and the midline is central.",
        ),
        complaints=("headache", "a first seizure", "progressive weakness", "visual disturbance"),
    )


BRAIN_SCANS = (
    Kind(
        name="head ct",
        modality="ct",
        anatomy="head",
        draw=brain.draw,
        plane="axial",
        weight=1.4,
        studies=(
            "axial non-contrast head CT",
            "CT of the head without contrast",
            "unenhanced cranial computed tomography",
            "axial brain CT",
        ),
        findings=HEAD_CT,
        normal=(
            "No acute intracranial abnormality is seen.",
            "Normal ventricles and preserved grey-white differentiation.",
        ),
        complaints=("sudden headache", "head injury", "acute hemiparesis", "confusion"),
    ),
    _mri(
        "brain mri t1",
        "T1",
        (
            "axial contrast-enhanced T1-weighted brain MRI",
            "post-contrast T1-weighted MRI of the brain",
        ),
        ("brain mri t2", "brain mri flair"),
        _brain_findings("with ring enhancement", "homogeneously enhancing", "T1-hypointense"),
    ),
    _mri(
        "brain mri t2",
        "T2",
        ("axial T2-weighted brain MRI", "T2-weighted MR image of the brain"),
        ("brain mri flair", "brain mri t1"),
        _brain_findings("with marked surrounding oedema", "well-defined", "hyperintense"),
    ),
    _mri(
        "brain mri flair",
        "FLAIR",
        ("axial FLAIR brain MRI", "FLAIR MR image of the brain"),
        ("brain mri t1", "brain mri t2"),
        _brain_findings("with surrounding hyperintense oedema", "well-defined", "hyperintense"),
    ),
)
