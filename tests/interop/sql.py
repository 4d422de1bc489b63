"""Two questions about a table that DuckDB and `gridlake sql` answer in the same words; readers without SQL compute the same."""

from schema import Table

# For each run, for each column: two or three numbers that tell most misreadings apart.
#   text: values that are not null, different values
#   numbers, booleans: values that are not null, their sum
#   lists: numbers that are not NaN, their sum, NaN
Sums = dict[str, dict[str, tuple[float, ...]]]

# NaN is above every number in both dialects.
FINITE = "v <= 3.0e38"


def scalars(table: Table) -> str:
    parts = ['COUNT(*) AS "rows 0"']
    for column in table.all_columns:
        if column.is_list or column.name == "run":
            continue
        second = f'COUNT(DISTINCT "{column.name}")' if column.kind == "text" else f'SUM(CAST("{column.name}" AS DOUBLE))'
        parts += [f'COUNT("{column.name}") AS "{column.name} 0"', f'{second} AS "{column.name} 1"']
    return f"SELECT run, {', '.join(parts)} FROM {table.name} GROUP BY run ORDER BY run"


def elements(table: Table, column: str) -> str:
    numbers = [
        f"SUM(CASE WHEN {FINITE} THEN 1 ELSE 0 END)",
        f"SUM(CASE WHEN {FINITE} THEN CAST(v AS DOUBLE) ELSE 0.0 END)",
        f"SUM(CASE WHEN {FINITE} THEN 0 ELSE 1 END)",
    ]
    named = ", ".join(f'{number} AS "{column} {place}"' for place, number in enumerate(numbers))
    return f'SELECT run, {named} FROM (SELECT run, UNNEST("{column}") AS v FROM {table.name}) AS elements GROUP BY run ORDER BY run'


def sums(table: Table, answer) -> Sums:
    """`answer` gives a query's rows as dictionaries."""
    found: Sums = {}
    lists = [column.name for column in table.columns if column.is_list]
    for query in [scalars(table), *(elements(table, name) for name in lists)]:
        for row in answer(query):
            run = found.setdefault(row.pop("run"), {})
            for name, value in row.items():
                column = name.split()[0]
                run[column] = (*run.get(column, ()), float(value or 0))
    return found
