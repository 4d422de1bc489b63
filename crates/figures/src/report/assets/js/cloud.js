// The 3D view: which cloud, which colours, and how it is turned.

const CLOUD_MISSING = 65535;
const FIRST_VIEW = { yaw: 0.6, pitch: 0.5, zoom: 1 };
const TURN_PER_KEY = Math.PI / 24;
const TURN_PER_PIXEL = 0.008;
const SPIN_PER_MS = 0.0003;
const ZOOMS = [0.4, 6];

/** Codes of a cloud as numbers of one plane: 0 to 1 of its range, NaN where there is no data. */
function cloudPlane(codes, cloud, plane) {
  const view = new DataView(codes.buffer, codes.byteOffset + 2 * plane * cloud.count, 2 * cloud.count);
  return Float32Array.from({ length: cloud.count }, (_, index) => {
    const code = view.getUint16(2 * index, true);
    return code === CLOUD_MISSING ? NaN : code / 65534;
  });
}

/** Half the sides of the box around a cloud, all axes to the same scale, so that the unit sphere holds it. */
function cloudHalves(cloud) {
  const spans = [0, 1, 2].map((axis) => cloud.ranges[axis][1] - cloud.ranges[axis][0]);
  const diagonal = Math.hypot(...spans) || 1;
  return spans.map((span) => span / diagonal);
}

function cloudPoints(codes, cloud, halves) {
  const points = new Float32Array(3 * cloud.count);
  for (let axis = 0; axis < 3; axis += 1) {
    const plane = cloudPlane(codes, cloud, axis);
    for (let index = 0; index < cloud.count; index += 1) points[3 * index + axis] = (2 * plane[index] - 1) * halves[axis];
  }
  return points;
}

function cloudColors(codes, cloud, which) {
  const colors = new Uint8Array(3 * cloud.count);
  if (which < 0) return colors.fill(128);
  const palette = palettes[cloud.colors[which].turn ? "phase" : "rate"];
  cloudPlane(codes, cloud, 3 + which).forEach((share, index) => {
    const level = Number.isNaN(share) ? NO_DATA : Math.round(share * 254);
    colors.set(palette.subarray(3 * level, 3 * level + 3), 3 * index);
  });
  return colors;
}

/** The renderer that this browser can run, and what to say about it. */
async function cloudRenderer(canvas) {
  const flat = () => ({ renderer: flatRenderer(canvas), remark: "WebGL is not available: drawn on a flat canvas, more slowly." });
  if (!hasWebGl()) return flat();
  // Set into the page only now: a reader who never comes here does not pay for reading the library.
  const library = new TextDecoder().decode(await unpack(data.three));
  document.head.append(make("script", {}, library));
  try {
    return { renderer: webGlRenderer(canvas), remark: "" };
  } catch {
    // A browser may grant one canvas a context and refuse the next.
    return flat();
  }
}

async function setUpCloud() {
  const canvas = byId("cloud-canvas");
  const [choice, colorChoice, spin, axes] = [byId("cloud-choice"), byId("cloud-color"), byId("cloud-spin"), byId("cloud-axes")];
  const { renderer, remark } = await cloudRenderer(canvas);
  const view = { ...FIRST_VIEW };
  const labels = [0, 1, 2].map(() => axes.appendChild(make("span")));
  let [cloud, codes, frame, halves] = [null, null, null, [0, 0, 0]];

  const draw = () => {
    frame = null;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width === 0 || height === 0) return;
    renderer.draw(view, width, height, Math.min(devicePixelRatio, 2));
    const project = projection(view, width, height);
    labels.forEach((label, axis) => {
      const end = halves.map((half) => -half);
      end[axis] = halves[axis] + 0.1;
      const [x, y] = project(...end);
      label.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)`;
    });
    canvas.dataset.view = `${view.yaw.toFixed(3)} ${view.pitch.toFixed(3)} ${view.zoom.toFixed(3)}`;
  };
  const redraw = () => {
    frame ??= requestAnimationFrame(draw);
  };
  const turn = (yaw, pitch) => {
    view.yaw += yaw;
    view.pitch = Math.min(Math.max(view.pitch + pitch, -1.55), 1.55);
    redraw();
  };
  const zoom = (factor) => {
    view.zoom = Math.min(Math.max(view.zoom * factor, ZOOMS[0]), ZOOMS[1]);
    redraw();
  };

  const showColors = () => {
    const which = colorChoice.selectedIndex;
    renderer.setColors(cloudColors(codes, cloud, which));
    const legend = byId("cloud-legend");
    if (which < 0) legend.replaceChildren();
    else {
      const { label, turn: isTurn } = cloud.colors[which];
      const ends = isTurn ? ["0", "2π"] : cloud.ranges[3 + which].map((end) => formatNumber(end));
      legend.replaceChildren(make("span", { class: "legend-title" }, label), colorBar(palettes[isTurn ? "phase" : "rate"], ...ends));
    }
    redraw();
  };
  const showCloud = async () => {
    const wanted = data.clouds[choice.selectedIndex];
    const unpacked = await unpack(wanted.codes);
    if (wanted !== data.clouds[choice.selectedIndex]) return;
    [cloud, codes] = [wanted, unpacked];
    halves = cloudHalves(cloud);
    renderer.setPoints(cloudPoints(codes, cloud, halves), halves);
    labels.forEach((label, axis) => label.replaceChildren(cloud.axes[axis]));
    const before = colorChoice.value;
    colorChoice.replaceChildren(...cloud.colors.map((color) => make("option", {}, color.label)));
    if (cloud.colors.some((color) => color.label === before)) colorChoice.value = before;
    canvas.setAttribute("aria-label", `Point cloud in three dimensions: ${cloud.label}`);
    const counted = cloud.count === cloud.total ? `${formatCount(cloud.count)} points.` : `${formatCount(cloud.count)} of ${formatCount(cloud.total)} points, evenly picked.`;
    byId("cloud-status").textContent = [counted, remark].join(" ").trim();
    showColors();
  };

  setUpCloudPointer(canvas, turn, zoom);
  canvas.addEventListener("keydown", (event) => {
    const act = {
      ArrowLeft: () => turn(-TURN_PER_KEY, 0),
      ArrowRight: () => turn(TURN_PER_KEY, 0),
      ArrowUp: () => turn(0, TURN_PER_KEY),
      ArrowDown: () => turn(0, -TURN_PER_KEY),
      "+": () => zoom(1.15),
      "=": () => zoom(1.15),
      "-": () => zoom(1 / 1.15),
      Home: () => reset(),
    }[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  const reset = () => {
    Object.assign(view, FIRST_VIEW);
    redraw();
  };
  byId("cloud-reset").addEventListener("click", reset);
  setUpSpin(spin, (elapsed) => turn(elapsed * SPIN_PER_MS, 0));
  choice.append(...data.clouds.map((one) => make("option", {}, one.label)));
  choice.addEventListener("change", showCloud);
  colorChoice.addEventListener("change", showColors);
  new ResizeObserver(redraw).observe(canvas);
  await showCloud();
}

/** Dragging turns; two fingers, and the wheel in a view that has the focus, zoom. */
function setUpCloudPointer(canvas, turn, zoom) {
  const pointers = new Map();
  const spread = () => {
    const [one, other] = [...pointers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (last === undefined) return;
    const before = pointers.size === 2 ? spread() : null;
    if (pointers.size === 1) turn((last.x - event.clientX) * TURN_PER_PIXEL, (event.clientY - last.y) * TURN_PER_PIXEL);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (before > 0) zoom(spread() / before);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("wheel", (event) => {
    // Without the focus the wheel scrolls the page, or nobody would get past the view.
    if (document.activeElement !== canvas) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.001));
  }, { passive: false });
}

/** Turns the view slowly while the button is down; never for those who asked their system for less motion. */
function setUpSpin(button, move) {
  let last = null;
  const spinning = () => button.getAttribute("aria-pressed") === "true";
  const step = (now) => {
    if (!spinning()) return;
    if (last !== null) move(now - last);
    last = now;
    requestAnimationFrame(step);
  };
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!spinning()));
    last = null;
    if (spinning()) requestAnimationFrame(step);
  });
  const respect = () => {
    button.hidden = reducedMotion.matches;
    if (reducedMotion.matches) button.setAttribute("aria-pressed", "false");
  };
  reducedMotion.addEventListener("change", respect);
  respect();
}
