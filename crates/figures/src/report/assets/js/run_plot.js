// Runs as points: one column against another, each point a link to its report.

const PLOT = { height: 340, left: 64, right: 16, top: 14, bottom: 46 };

/** Round numbers between two ends, seven at most; whole ones where there are no others. */
function roundTicks(low, high, isWhole) {
  const raw = Math.max((high - low) / 6, isWhole ? 1 : 0);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) ticks.push({ at: index * step, text: withMinus((index * step).toFixed(decimals)) });
  return ticks;
}

/** How a column's sort keys become places: numbers on a line, texts side by side. */
function plotScale(keys, from, to) {
  const used = keys.filter((key) => key !== "");
  const isNumeric = used.every((key) => Number.isFinite(Number(key)));
  const names = [...new Set(used)].sort(collator.compare);
  const valueOf = (key) => (key === "" ? NaN : isNumeric ? Number(key) : names.indexOf(key));
  const values = used.map(valueOf);
  let [low, high] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const isWhole = isNumeric && values.every(Number.isInteger);
  const pad = high > low ? (high - low) * 0.05 : Math.max(Math.abs(high) * 0.05, isWhole ? 1 : 0) || 1;
  [low, high] = [low - pad, high + pad];
  const place = (value) => from + ((value - low) / (high - low)) * (to - from);
  const ticks = isNumeric ? roundTicks(low, high, isWhole) : names.map((text, at) => ({ at, text }));
  return { place: (key) => place(valueOf(key)), ticks: ticks.map(({ at, text }) => ({ at: place(at), text })) };
}

function drawRunPlot(figure, table, xColumn, yColumn) {
  const { height, left, right, top, bottom } = PLOT;
  // As wide as it is shown, so that its texts have the page's size on a phone too.
  const width = Math.max(figure.clientWidth, left + right + 80);
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  const keys = (column) => rows.map((row) => row.cells[column].dataset.sort);
  const x = plotScale(keys(xColumn), left, width - right);
  const y = plotScale(keys(yColumn), height - bottom, top);
  const text = (attributes, words) => makeSvg("text", attributes, words);
  const nameOf = (column) => table.tHead.rows[0].cells[column].textContent.trim();
  const points = rows.map((row) => {
    const [cx, cy] = [x.place(row.cells[xColumn].dataset.sort), y.place(row.cells[yColumn].dataset.sort)];
    if (!Number.isFinite(cx) || !Number.isFinite(cy)) return null;
    const title = makeSvg("title", {}, `${row.cells[0].textContent.trim()}: ${row.cells[xColumn].textContent.trim()}, ${row.cells[yColumn].textContent.trim()}`);
    const point = makeSvg("circle", { class: "run-point", cx: cx.toFixed(1), cy: cy.toFixed(1), r: 6 }, title);
    const link = row.cells[0].querySelector("a");
    return link === null ? point : makeSvg("a", { href: link.getAttribute("href") }, point);
  });
  const leftOut = points.filter((point) => point === null).length;
  figure.replaceChildren(
    makeSvg(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `${nameOf(yColumn)} against ${nameOf(xColumn)}, one point for each run` },
      ...y.ticks.flatMap((tick) => [makeSvg("line", { class: "grid-line", x1: left, x2: width - right, y1: tick.at.toFixed(1), y2: tick.at.toFixed(1) }), text({ class: "tick", x: left - 8, y: (tick.at + 4).toFixed(1), "text-anchor": "end" }, tick.text)]),
      ...x.ticks.map((tick) => text({ class: "tick", x: tick.at.toFixed(1), y: height - bottom + 18, "text-anchor": "middle" }, tick.text)),
      text({ class: "axis-name", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, nameOf(xColumn)),
      ...points,
    ),
    make("figcaption", {}, `${nameOf(yColumn)} against ${nameOf(xColumn)}${leftOut > 0 ? `; ${leftOut} undefined` : ""}`),
  );
}

/** Gives the plot its choices; returns a function that draws it again. */
function setUpRunPlot(table) {
  const [xChoice, yChoice, figure] = [byId("plot-x"), byId("plot-y"), byId("run-plot")];
  const headings = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  for (const choice of [xChoice, yChoice]) choice.append(...headings.map((name, column) => make("option", { value: column }, name)));
  const columns = headings.map((_, column) => column).slice(1);
  const isKey = (column) => table.tHead.rows[0].cells[column].classList.contains("key");
  const isNumber = (column) => [...table.tBodies[0].rows].some((row) => row.cells[column].classList.contains("number"));
  xChoice.value = columns.find(isKey) ?? 0;
  yChoice.value = columns.find((column) => !isKey(column) && isNumber(column)) ?? columns[0] ?? 0;
  const draw = () => drawRunPlot(figure, table, Number(xChoice.value), Number(yChoice.value));
  xChoice.addEventListener("change", draw);
  yChoice.addEventListener("change", draw);
  let drawnWidth = figure.clientWidth;
  new ResizeObserver(() => {
    if (figure.clientWidth === drawnWidth) return;
    drawnWidth = figure.clientWidth;
    draw();
  }).observe(figure);
  return draw;
}
