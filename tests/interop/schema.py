"""The tables as they are documented: docs/lake-schema.md, which is made from the program's own schema."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/lake-schema.md"


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    unit: str
    nullable: bool
    description: str

    @property
    def is_list(self) -> bool:
        return self.kind.startswith("list of ")


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    # Columns that are no part of the files but of their folders' names.
    partitions: tuple[Column, ...]
    # Whether some stage writes it.
    written: bool

    @property
    def all_columns(self) -> tuple[Column, ...]:
        return self.columns + self.partitions


RUN = Column("run", "text", "", False, "")
STEP = Column("step", "integer", "", False, "")


def version() -> str:
    return re.search(r"^Schema version (\d+)\.", PAGE.read_text(), re.MULTILINE)[1]


def tables() -> dict[str, Table]:
    found = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        name = re.match(r"`(\w+)`\n", section)[1]
        keys = re.search(r"Partitions: (.*?)\.", section)[1]
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        partitions = {"`run`": (RUN,), "`run`, `step`": (RUN, STEP)}[keys]
        found[name] = Table(name, tuple(column(row) for row in rows), partitions, "No stage writes it yet" not in section)
        assert found[name].columns, f"{PAGE}: no columns of {name}"
    assert len(found) >= 7, f"{PAGE}: only {list(found)}"
    return found


def column(row: str) -> Column:
    cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
    assert len(cells) == 5 and cells[3] in ("", "yes"), f"{PAGE}: {row}"
    return Column(cells[0].strip("`"), cells[1], cells[2], cells[3] == "yes", cells[4])
