// The report: sets up what the page has.

function setUpFilters() {
  const option = (value, text) => make("option", { value }, text);
  const names = (all) => [...new Set(all)].sort(collator.compare);
  const classes = names(data.units.flatMap((unit) => unit.arenas.map((here) => here.class)));
  byId("class-filter").append(option("", "all"), ...classes.map((name) => option(name, name)));
  byId("module-filter").append(option("", "all"), ...names(data.units.map(moduleName)).map((name) => option(name, name)));
  for (const [id, key] of [["class-filter", "class"], ["module-filter", "module"]]) {
    byId(id).addEventListener("change", (event) => update({ [key]: event.target.value }));
  }
  byId("text-filter").addEventListener("input", (event) => update({ text: event.target.value }));
  byId("to-scale").addEventListener("change", (event) => update({ toScale: event.target.checked }));
  if (data.arenas.length === 1) byId("to-scale").closest(".control").hidden = true;
}

setUpTheme();
document.querySelectorAll("table.sortable").forEach((table) => {
  if (table.id !== "unit-table") makeSortable(table);
});
setUpZoom();
if (!canUnpack()) {
  trouble("This browser cannot unpack the units' maps and the 3D view: they need Chrome 103, Firefox 113, Safari 16.4 or newer.");
} else {
  if (byId("units") !== null) {
    // The most telling unit first: of the module with the least number, with the highest score.
    const rank = (unit) => [unit.module ?? Infinity, -(unit.arenas[0].scores[0]?.value ?? -Infinity)];
    state.unit = data.units.map((unit, index) => [...rank(unit), index]).reduce((best, one) => (one[0] < best[0] || (one[0] === best[0] && one[1] < best[1]) ? one : best))[2];
    setUpFilters();
    setUpUnitTable();
    setUpUnitWall();
    setUpUnitPanel();
    setUpArenaSlider();
  }
  if (byId("states") !== null) whenNear(byId("states"), () => setUpCloud().catch((error) => trouble(`The 3D view could not be set up: ${error.message}`)));
}
