// What is chosen: the arena (between two while one fades into the other), the unit, the filters.

const state = { position: 0, unit: null, class: "", module: "", text: "", toScale: false };
const listeners = [];

const chosenArena = () => Math.round(state.position);

/** Changes the state and tells all views what changed; they are told of an arena only when the nearest one changes. */
function update(changes) {
  const before = chosenArena();
  Object.assign(state, changes);
  const changed = new Set(Object.keys(changes));
  if (chosenArena() !== before) changed.add("arena");
  for (const listener of listeners) listener(changed);
}

const moduleName = (unit) => (unit.module === null ? "none" : String(unit.module));
const moduleColor = (module) => {
  const colors = data.module_colors;
  return module === null ? colors[colors.length - 1] : colors[module % Math.max(colors.length - 1, 1)];
};

/** Whether a unit passes the filters in the chosen arena. */
function isShown(unit) {
  const here = unit.arenas[chosenArena()];
  if (state.class !== "" && here.class !== state.class) return false;
  if (state.module !== "" && moduleName(unit) !== state.module) return false;
  const text = state.text.trim().toLowerCase();
  return text === "" || String(unit.unit) === text || [here.class, here.reason, unit.reason].some((part) => part.toLowerCase().includes(text));
}
