"""Readers: each walks one layout on disk and yields records, or what is wrong with a line."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.errors import BadPicture, IngestError

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
METADATA_COLUMNS = (
    "modality", "anatomy", "sex", "age", "laterality", "year", "licence", "source", "credit",
    "split",
)  # fmt: skip
ALIASES = {
    "file": ("file", "filename", "path", "image"),
    "caption": ("caption",),
    "id": ("id", "image_id"),
    "group": ("group", "group_key", "article", "case", "patient"),
    "licence": ("licence", "license"),
    "anatomy": ("anatomy", "body_part"),
}


@dataclass(frozen=True)
class Record:
    """One image as its source describes it. `read` gives the bytes, when they are wanted."""

    line: int
    external_id: str
    source_name: str
    caption: str
    read: Callable[[], bytes]
    id_is_given: bool = True
    caption_is_needed: bool = True
    group: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BadLine:
    line: int
    record: str
    reason: str


Reader = Callable[[Path], Iterator[Record | BadLine]]


def read_csv(path: Path) -> Iterator[Record | BadLine]:
    """`file, caption` and any metadata column; `path` is the CSV or the folder that holds it."""
    table = _find_table(path)
    rows = csv.reader(_text_lines(table))
    header = [name.strip().lower() for name in next(rows, [])]
    columns = _columns(header, table)
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as exc:
            yield BadLine(line, "", f"not readable as CSV: {exc}")
            continue
        if not any(row):
            continue
        if len(row) != len(header):
            reason = f"{len(row)} columns where the header has {len(header)}"
            yield BadLine(line, row[0][:200] if row else "", reason)
            continue
        values = {name: row[index].strip() for name, index in columns.items()}
        yield _csv_record(line, values, table.parent)


def read_imageclef2017(path: Path) -> Iterator[Record | BadLine]:
    """The official train part becomes train and validation, the official validation part test.

    Lines are `image_id<TAB>caption` whatever the file's name ends in; images are `<id>.jpg`.
    A test part without captions is left out, as it can neither train nor judge.
    """
    if not (path / "training").is_dir():
        raise IngestError(f"{path} has no folder 'training'; ImageCLEF 2017 has one.")
    for part, split in (("training", ""), ("validation", "test"), ("test", "test")):
        folder = path / part
        pictures = {p.stem: p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES}
        for table in _caption_tables(path, part):
            for number, text in enumerate(_text_lines(table), start=1):
                if text.strip():
                    yield _imageclef_record(number, text.rstrip("\r\n"), pictures, split, path)


def read_folder(path: Path) -> Iterator[Record | BadLine]:
    """Every image below `path`; its caption is the `.txt` of the same name, if there is one."""
    if not path.is_dir():
        raise IngestError(f"{path} is not a folder.")
    pictures = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    for number, picture in enumerate(pictures, start=1):
        name = picture.relative_to(path)
        sidecar = picture.with_suffix(".txt")
        try:
            caption = sidecar.read_text("utf-8-sig").strip() if sidecar.is_file() else ""
        except UnicodeDecodeError:
            yield BadLine(number, str(name), f"{sidecar.name} is not UTF-8")
            continue
        yield Record(
            line=number,
            external_id=name.with_suffix("").as_posix(),
            source_name=name.as_posix(),
            caption=caption,
            read=_reader_of(path, name.as_posix()),
            id_is_given=False,
            caption_is_needed=False,
        )


def read_phantoms(path: Path) -> Iterator[Record | BadLine]:
    """The demo corpus. `path` does not matter."""
    from ingest.phantoms import draw_corpus

    for number, phantom in enumerate(draw_corpus(), start=1):
        buffer = io.BytesIO()
        phantom.image.save(buffer, "PNG", compress_level=1)
        yield Record(
            line=number,
            external_id=phantom.external_id,
            source_name=f"{phantom.external_id}.png",
            caption=phantom.caption,
            read=buffer.getvalue,
            group=phantom.group_key,
            metadata={
                "modality": phantom.modality,
                "anatomy": phantom.anatomy,
                "sex": phantom.sex,
                "age": "" if phantom.age is None else str(phantom.age),
                "laterality": phantom.laterality,
                "licence": "CC0",
                "source": "Drawn by a program, not a patient",
            },
            truth=phantom.truth,
        )


READERS: dict[str, Reader] = {
    "csv": read_csv,
    "imageclef2017": read_imageclef2017,
    "folder": read_folder,
    "phantoms": read_phantoms,
}


def recognise(path: Path) -> str:
    """The format of what lies at `path`."""
    if path.is_file() or any(path.glob("*.csv")):
        return "csv"
    if (path / "training").is_dir():
        return "imageclef2017"
    if path.is_dir():
        return "folder"
    raise IngestError(f"{path} does not exist.")


def _find_table(path: Path) -> Path:
    if path.is_file():
        return path
    if (path / "captions.csv").is_file():
        return path / "captions.csv"
    tables = sorted(path.glob("*.csv")) if path.is_dir() else []
    if len(tables) == 1:
        return tables[0]
    found = f"it holds {len(tables)} CSV files" if path.is_dir() else "it does not exist"
    raise IngestError(f"No captions.csv in {path}: {found}.")


def _columns(header: list[str], table: Path) -> dict[str, int]:
    columns = {}
    for name in ("id", "file", "caption", "group", *METADATA_COLUMNS):
        for alias in ALIASES.get(name, (name,)):
            if alias in header:
                columns[name] = header.index(alias)
                break
    for name in ("file", "caption"):
        if name not in columns:
            has = ", ".join(header) or "nothing"
            raise IngestError(f"{table.name} has no column '{name}'; its first line has: {has}.")
    return columns


def _csv_record(line: int, values: dict[str, str], root: Path) -> Record | BadLine:
    name = values["file"]
    shown = values.get("id") or name
    if any(_is_broken(value) for value in values.values()):
        return BadLine(line, shown, "the line is not UTF-8")
    if not name:
        return BadLine(line, shown, "no file is named")
    return Record(
        line=line,
        external_id=values.get("id") or Path(name).with_suffix("").as_posix(),
        source_name=name,
        caption=values["caption"],
        read=_reader_of(root, name),
        id_is_given=bool(values.get("id")),
        group=values.get("group", ""),
        metadata={key: values[key] for key in METADATA_COLUMNS if values.get(key)},
    )


def _imageclef_record(
    line: int, text: str, pictures: dict[str, Path], split: str, root: Path
) -> Record | BadLine:
    name, tab, caption = text.partition("\t")
    if _is_broken(text):
        return BadLine(line, name, "the line is not UTF-8")
    if not tab:
        return BadLine(line, name, "no tab between image id and caption")
    picture = pictures.get(name)
    if picture is None:
        return BadLine(line, name, f"no image {name}.jpg")
    return Record(
        line=line,
        external_id=name,
        source_name=picture.relative_to(root).as_posix(),
        caption=caption.strip(),
        read=_reader_of(root, picture.relative_to(root).as_posix()),
        group=_article(name),
        metadata={"split": split} if split else {},
    )


def _article(image_id: str) -> str:
    """PubMed Central figure names end in the figure's number: 1471-2342-11-23-5 is figure 5."""
    article, dash, figure = image_id.rpartition("-")
    return article if dash and len(figure) <= 4 else image_id


def _caption_tables(root: Path, part: str) -> list[Path]:
    beside = [p for p in root.iterdir() if p.is_file() and part in p.name.lower()]
    inside = (root / part).iterdir() if (root / part).is_dir() else []
    found = [*beside, *(p for p in inside if p.is_file())]
    return sorted(p for p in found if p.suffix.lower() in {".csv", ".tsv", ".txt"})


def _text_lines(path: Path) -> Iterator[str]:
    """Lines whose broken bytes become surrogates, so that one bad line stays one bad line."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield from file


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def printable(text: str) -> str:
    """What a database takes: broken bytes as question marks, no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def _reader_of(root: Path, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()):
            raise BadPicture("the file lies outside the corpus")
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise BadPicture("the image file is missing") from None
        except (OSError, ValueError) as exc:
            raise BadPicture("the image file cannot be read") from exc

    return read


def readable_path(text: str, roots: list[Path]) -> Path:
    """A path below one of `roots`. Raises ValueError with a sentence that names them."""
    path = Path(text.strip() or ".")
    for root in roots:
        candidate = (root / path).resolve()
        if text.strip() and candidate.is_relative_to(root) and candidate.exists():
            return candidate
    allowed = ", ".join(str(root) for root in roots)
    raise ValueError(f"Name an existing folder or CSV file below {allowed}.")
