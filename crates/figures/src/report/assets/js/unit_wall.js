// All ratemaps side by side, by module and number; one tab stop, arrow keys within.

const TILE_PIXELS = 96;

function setUpUnitWall() {
  const wall = byId("wall");
  const order = data.units.map((_, index) => index).sort((one, other) => {
    const [a, b] = [data.units[one], data.units[other]];
    return (a.module ?? Infinity) - (b.module ?? Infinity) || a.unit - b.unit || 0;
  });
  const tiles = order.map((index) => {
    const unit = data.units[index];
    const canvas = make("canvas", { "aria-hidden": "true" });
    canvas.width = TILE_PIXELS;
    canvas.height = TILE_PIXELS;
    const label = `Unit ${unit.unit}, ${unit.module === null ? "no module" : `module ${unit.module}`}`;
    const button = make("button", { type: "button", class: "tile", tabindex: "-1", "aria-label": label, title: label, "data-unit": index, click: () => chooseUnit(index) }, canvas);
    button.style.setProperty("--module", moduleColor(unit.module));
    return { index, canvas, button, codes: null };
  });
  if (tiles.length > 0) tiles[0].button.tabIndex = 0;
  wall.append(...tiles.map(({ button }) => button));

  const draw = (tile) => {
    if (tile.codes !== null && !tile.button.hidden) drawRatemap(tile.canvas, tile.index, tile.codes, state.position, state.toScale);
  };
  const show = () => {
    for (const tile of tiles) {
      tile.button.hidden = !isShown(data.units[tile.index]);
      tile.button.setAttribute("aria-pressed", String(tile.index === state.unit));
    }
    if (!tiles.some(({ button }) => !button.hidden && button.tabIndex === 0)) moveTo(tiles.find(({ button }) => !button.hidden)?.button, false);
  };
  const moveTo = (button, focus) => {
    if (button === undefined) return;
    for (const tile of tiles) tile.button.tabIndex = tile.button === button ? 0 : -1;
    if (focus) button.focus();
  };
  wall.addEventListener("keydown", (event) => {
    const shown = tiles.map(({ button }) => button).filter((button) => !button.hidden);
    const across = shown.findIndex((button) => button.offsetTop > shown[0].offsetTop);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across < 0 ? 0 : across, ArrowUp: across < 0 ? 0 : -across }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    moveTo(shown[shown.indexOf(document.activeElement) + step], true);
  });
  listeners.push((changed) => {
    if (["arena", "class", "module", "text", "unit"].some((key) => changed.has(key))) show();
    if (["position", "toScale", "class", "module", "text"].some((key) => changed.has(key))) tiles.forEach(draw);
  });
  show();
  whenNear(wall, async () => {
    for (const tile of tiles) {
      tile.codes = await unitCodes(tile.index);
      draw(tile);
    }
  });
}
