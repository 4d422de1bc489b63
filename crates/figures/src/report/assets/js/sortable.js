// Tables that are sorted by any column. A cell's data-sort is what counts; empty ones come last either way.

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Gives the headings buttons; returns a function that sorts again after the rows were replaced. */
function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  let sorted = null;
  const sort = () => {
    if (sorted === null) return;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: row.cells[sorted.column].dataset.sort ?? "" }));
    const isNumeric = rows.every(({ key }) => key === "" || Number.isFinite(Number(key)));
    const compare = isNumeric ? (one, other) => Number(one) - Number(other) : collator.compare;
    rows.sort((one, other) => {
      if (one.key === "" || other.key === "") return (one.key === "") - (other.key === "");
      return (sorted.down ? -1 : 1) * compare(one.key, other.key);
    });
    body.append(...rows.map(({ row }) => row));
  };
  headings.forEach((heading, column) => {
    const button = make("button", { type: "button", class: "sort" }, ...heading.childNodes);
    heading.replaceChildren(button);
    const isNumber = () => table.tBodies[0].rows[0]?.cells[column].classList.contains("number") ?? false;
    heading.classList.toggle("number", isNumber());
    button.addEventListener("click", () => {
      // Of numbers the large ones are looked for first.
      sorted = { column, down: sorted?.column === column ? !sorted.down : isNumber() };
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      sort();
    });
  });
  return sort;
}
