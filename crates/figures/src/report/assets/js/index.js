// The index: sorting, finding, bars behind numbers, and a plot.

/** Sets a bar behind each number that spans from 0 to it, or from the column's least value where some are negative. */
function drawBars(table) {
  const rows = [...table.tBodies[0].rows];
  for (let column = 0; column < table.tHead.rows[0].cells.length; column += 1) {
    const cells = rows.map((row) => row.cells[column]).filter((cell) => cell.classList.contains("number") && !cell.classList.contains("key") && cell.dataset.sort !== "");
    const values = cells.map((cell) => Number(cell.dataset.sort));
    const [least, largest] = [Math.min(0, ...values), Math.max(...values)];
    if (!(largest > least)) continue;
    cells.forEach((cell, index) => {
      cell.classList.add("barred");
      cell.style.setProperty("--share", `${((100 * (values[index] - least)) / (largest - least)).toFixed(1)}%`);
    });
  }
}

setUpTheme();
setUpZoom();
const runTable = byId("run-table");
if (runTable !== null) {
  const rows = [...runTable.tBodies[0].rows];
  const drawPlot = setUpRunPlot(runTable);
  const find = () => {
    const text = byId("text-filter").value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(text);
    drawPlot();
    byId("run-count").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} runs`;
  };
  makeSortable(runTable);
  drawBars(runTable);
  byId("text-filter").addEventListener("input", find);
  find();
}
