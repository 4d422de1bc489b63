"""The tables of docs/validation.md."""

from compare import Near, Same
from lake import ROOT

PAGE = ROOT / "docs/validation.md"
START, END = "<!-- oracles -->\n", "<!-- end -->"


class Report:
    def __init__(self) -> None:
        self.same: dict[tuple[str, str], list] = {}
        self.near: dict[tuple[str, str, str], list] = {}

    def add_same(self, one: Same, count: int, worst: float) -> None:
        tolerance = float(one.tolerance if not hasattr(one.tolerance, "min") else one.tolerance.min())
        row = self.same.setdefault((f"`{one.table}.{one.column}`", one.against), [0, 0.0, 0.0, one.relative, one.deviation])
        row[0], row[1], row[2] = row[0] + count, max(row[1], worst), max(row[2], tolerance)

    def add_near(self, one: Near, value: float) -> None:
        row = self.near.setdefault((f"`{one.column}`", one.against, one.statistic), [value, value, one.least, one.most, one.deviation])
        row[0], row[1] = min(row[0], value), max(row[1], value)

    def text(self, speed: list[str]) -> str:
        lines = ["| Column | Held against | Numbers | Largest difference | Tolerance | What differs, and was undone or borne |", "|---|---|---|---|---|---|"]
        for (column, against), (count, worst, tolerance, relative, deviation) in self.same.items():
            share = " of it" if relative else ""
            lines.append(f"| {column} | {against} | {count} | {power(worst)}{share} | {power(tolerance)}{share} | {deviation} |")
        lines += ["", "| Column | Held against | What | Found | Asserted | Why it is another number |", "|---|---|---|---|---|---|"]
        for (column, against, statistic), (low, high, least, most, deviation) in self.near.items():
            found = f"{low:.3f}" if f"{low:.3f}" == f"{high:.3f}" else f"{low:.3f} – {high:.3f}"
            asserted = f"{least:g} to {most:g}" if most < float("inf") else "no"
            lines.append(f"| {column} | {against} | {statistic} | {found} | {asserted} | {deviation} |")
        return "\n".join([*lines, "", *(f"- {line}" for line in speed)]) + "\n"

    def bless(self, speed: list[str]) -> None:
        page = PAGE.read_text()
        before, rest = page.split(START)
        _, after = rest.split(END, 1)
        PAGE.write_text(before + START + self.text(speed) + END + after)


def power(number: float) -> str:
    """One digit, rounded up: blessed numbers do not depend on the last bit."""
    if number == 0:
        return "0"
    digits, exponent = f"{number:.0e}".split("e")
    return f"{float(digits) * 10 ** int(exponent):g}" if int(exponent) >= -2 else f"{digits}·10⁻{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(d)] for d in str(-int(exponent)))}"
