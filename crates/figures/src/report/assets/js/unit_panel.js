// The chosen unit: its class and module with reasons, maps, scores against their nulls, measures.

const MAP_PIXELS = 360;

/** Chooses a unit from its place in the data, and brings its panel into sight where it is below. */
function chooseUnit(index) {
  update({ unit: index });
  const panel = byId("panel");
  if (panel.getBoundingClientRect().top > innerHeight * 0.8) panel.scrollIntoView({ behavior: reducedMotion.matches ? "auto" : "smooth", block: "start" });
}

/** A map with its colours' ends, its size, and the value under the pointer. */
function mapFigure(kind, map, codes, draw) {
  if (map === null) return make("figure", { class: "map" }, make("figcaption", {}, make("strong", {}, kind.name), " none kept"));
  const extent = mapExtent(map);
  const scale = MAP_PIXELS / Math.max(...extent);
  const canvas = make("canvas", { role: "img", "aria-label": `${kind.name}, ${formatNumber(map.low)} to ${formatNumber(map.high)}` });
  canvas.width = Math.max(1, Math.round(extent[0] * scale));
  canvas.height = Math.max(1, Math.round(extent[1] * scale));
  const sizes = extent.map(formatSize).join(" × ");
  const readout = make("span", { class: "readout" }, `${sizes} ${kind.unit}`);
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * map.columns);
    const row = map.rows - 1 - Math.floor(((event.clientY - box.top) / box.height) * map.rows);
    const code = row >= 0 && column >= 0 ? codes[row * map.columns + column] : undefined;
    if (code === undefined || column >= map.columns) return;
    const [x, y] = [(column + 0.5 - map.columns / 2) * map.step[0], (row + 0.5 - map.rows / 2) * map.step[1]];
    readout.textContent = `(${formatNumber(x, 2)}, ${formatNumber(y, 2)}) ${kind.unit}: ${formatNumber(mapValue(map, code))}`;
  });
  canvas.addEventListener("pointerleave", () => {
    readout.textContent = `${sizes} ${kind.unit}`;
  });
  draw(canvas);
  return make("figure", { class: "map" }, make("figcaption", {}, make("strong", {}, kind.name)), canvas, colorBar(palettes[kind.palette], formatNumber(map.low), formatNumber(map.high)), readout);
}

function drawStill(canvas, map, codes, palette) {
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(mapPicture(map, codes, palette), 0, 0, canvas.width, canvas.height);
}

/** Rings around the wave vectors, in two tones so that they are seen on any colour. */
function markWaves(canvas, map, waves) {
  const context = canvas.getContext("2d");
  const [width, height] = mapExtent(map);
  for (const sign of [1, -1]) {
    for (const [kx, ky] of waves) {
      const [x, y] = [(0.5 + (sign * kx) / width) * canvas.width, (0.5 - (sign * ky) / height) * canvas.height];
      for (const [color, line] of [["#000", 5], ["#fff", 2.5]]) {
        context.strokeStyle = color;
        context.lineWidth = line;
        context.beginPath();
        context.arc(x, y, 14, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  }
}

function scoreRow(kind, score) {
  const numbers = [`p ${formatShare(score.p)}`, isDefined(score.q) ? `q ${formatShare(score.q)}` : null].filter((part) => part !== null).join(", ");
  const head = make("div", { class: "score-head" }, make("span", { title: kind.meaning || null }, kind.name), make("strong", {}, withUnit(formatNumber(score.value, kind.decimals), kind.unit)), make("span", { class: "muted" }, numbers));
  const { null: nulls } = score;
  if (nulls === null || nulls.defined === 0) return make("div", { class: "score" }, head, make("p", { class: "hint" }, score.reason || "no null distribution"));
  const undefinedOnes = nulls.undefined > 0 ? `, ${nulls.undefined} undefined` : "";
  const text = `null of ${nulls.defined}${undefinedOnes}: median ${formatNumber(nulls.quantiles[2])}, 95 % ${formatNumber(nulls.quantiles[3])}, 99 % ${formatNumber(nulls.quantiles[4])}`;
  return make("div", { class: "score" }, head, nullPlot(score), make("p", { class: "hint" }, score.reason ? `${text}; ${score.reason}` : text));
}

function setUpUnitPanel() {
  const panel = byId("panel");
  let ratemap = null;
  let serial = 0;

  const step = (direction) => {
    const shown = data.units.map((_, index) => index).filter((index) => isShown(data.units[index]));
    if (shown.length === 0) return;
    const at = shown.indexOf(state.unit);
    chooseUnit(shown[(at + direction + shown.length) % shown.length]);
  };

  const show = async () => {
    serial += 1;
    const mine = serial;
    ratemap = null;
    if (state.unit === null) {
      panel.replaceChildren(make("p", { class: "empty" }, "No unit is chosen."));
      return;
    }
    const index = state.unit;
    const unit = data.units[index];
    const codes = await unitCodes(index);
    // Another unit or arena may have been chosen while this one was unpacked.
    if (mine !== serial) return;
    const arena = chosenArena();
    const here = unit.arenas[arena];
    const figures = MAP_KINDS.map((kind, which) => {
      const map = here.maps[which];
      return mapFigure(kind, map, codes[arena][which], (canvas) => {
        if (which === 0) {
          ratemap = { canvas, index, codes };
          drawRatemap(canvas, index, codes, state.position, state.toScale);
        } else {
          drawStill(canvas, map, codes[arena][which], palettes[kind.palette]);
          if (which === 2) markWaves(canvas, map, here.waves);
        }
      });
    });
    const measures = data.measures.map((measure, which) => make("div", {}, make("dt", { title: measure.meaning || null }, measure.name), make("dd", {}, withUnit(formatNumber(here.measures[which], measure.decimals), measure.unit))));
    const dot = make("span", { class: "dot", "aria-hidden": "true" });
    dot.style.backgroundColor = moduleColor(unit.module);
    panel.replaceChildren(
      make("div", { class: "panel-head" }, make("h3", {}, `Unit ${unit.unit}`), make("div", { class: "buttons" }, make("button", { type: "button", class: "quiet", "aria-label": "Unit before", click: () => step(-1) }, "‹"), make("button", { type: "button", class: "quiet", "aria-label": "Next unit", click: () => step(1) }, "›"))),
      make("p", { class: "tags" }, make("span", { class: "tag" }, here.class), make("span", { class: "tag" }, dot, unit.module === null ? "no module" : `module ${unit.module}`), make("span", { class: "tag" }, data.arenas[arena].label)),
      make("p", { class: "why" }, [here.reason, unit.reason].filter((reason) => reason !== "").join("; ")),
      make("div", { class: "maps" }, ...figures, measures.length > 0 ? make("div", { class: "map" }, make("strong", {}, "Measures"), make("dl", { class: "facts" }, ...measures)) : null),
      ...(data.scores.length > 0 ? [make("h4", {}, "Scores and their nulls"), ...data.scores.map((kind, which) => scoreRow(kind, here.scores[which]))] : []),
    );
  };

  listeners.push((changed) => {
    if (changed.has("unit") || changed.has("arena")) show();
    else if (ratemap !== null && (changed.has("position") || changed.has("toScale"))) drawRatemap(ratemap.canvas, ratemap.index, ratemap.codes, state.position, state.toScale);
  });
  show();
}
