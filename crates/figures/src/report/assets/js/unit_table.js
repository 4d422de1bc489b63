// The table of units in the chosen arena.

/** The columns behind unit, class and module: how a unit's number is found and written. */
function unitColumns() {
  const columns = [];
  const used = (get) => data.units.some((unit) => unit.arenas.some((here) => isDefined(get(here))));
  data.scores.forEach((score, index) => {
    if (!score.in_table) return;
    columns.push({ name: score.name, unit: score.unit, meaning: score.meaning, get: (here) => here.scores[index].value, format: (value) => formatNumber(value, score.decimals) });
    for (const [key, meaning] of [["p", "p-value against the unit's own surrogates"], ["q", "least false-discovery rate at which it counts"]]) {
      const get = (here) => here.scores[index][key];
      if (used(get)) columns.push({ name: key, unit: "", meaning: `${score.name}: ${meaning}`, get, format: formatShare });
    }
  });
  data.measures.forEach((measure, index) => {
    if (measure.in_table) columns.push({ ...measure, get: (here) => here.measures[index], format: (value) => formatNumber(value, measure.decimals) });
  });
  return columns;
}

function setUpUnitTable() {
  const table = byId("unit-table");
  const columns = unitColumns();
  const heading = (name, unit, meaning) => make("th", { scope: "col", title: meaning || null }, name, unit ? make("span", { class: "unit" }, ` ${unit}`) : null);
  table.tHead.append(make("tr", {}, heading("unit", "", ""), heading("class", "", "by the null tests"), heading("module", "", ""), ...columns.map((column) => heading(column.name, column.unit, column.meaning))));
  let sort = () => {};
  let rows = [];

  const fillRows = () => {
    const arena = chosenArena();
    rows = data.units.map((unit, index) => {
      const here = unit.arenas[arena];
      const choose = make("button", { type: "button", class: "row", "data-unit": index, "aria-label": `Unit ${unit.unit}` }, String(unit.unit));
      const dot = make("span", { class: "dot", "aria-hidden": "true" });
      dot.style.backgroundColor = moduleColor(unit.module);
      const cells = columns.map((column) => {
        const value = column.get(here);
        return make("td", { class: "number", "data-sort": isDefined(value) ? value : "" }, column.format(value));
      });
      return make(
        "tr",
        { "data-unit": index, click: () => chooseUnit(index) },
        make("th", { scope: "row", "data-sort": unit.unit }, choose),
        make("td", { "data-sort": here.class, title: here.reason || null }, here.class),
        make("td", { "data-sort": unit.module ?? "", title: unit.reason || null }, unit.module === null ? "–" : make("span", { class: "module" }, dot, String(unit.module))),
        ...cells,
      );
    });
    table.tBodies[0].replaceChildren(...rows);
    sort();
  };

  const showRows = () => {
    for (const row of rows) {
      const index = Number(row.dataset.unit);
      row.hidden = !isShown(data.units[index]);
      row.classList.toggle("chosen", index === state.unit);
      row.querySelector("button").setAttribute("aria-pressed", String(index === state.unit));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    byId("unit-count").textContent = `${shown} of ${rows.length} units, ${data.arenas[chosenArena()].label}`;
  };

  table.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || !event.target.classList.contains("row")) return;
    event.preventDefault();
    const buttons = [...table.querySelectorAll("tbody tr:not([hidden]) button.row")];
    buttons[buttons.indexOf(event.target) + step]?.focus();
  });
  listeners.push((changed) => {
    if (changed.has("arena")) fillRows();
    if (["arena", "class", "module", "text", "unit"].some((key) => changed.has(key))) showRows();
  });
  fillRows();
  sort = makeSortable(table);
  showRows();
}
