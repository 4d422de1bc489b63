// Maps as pictures: one pixel per bin, y upwards, in the colours of the figures.

const NO_DATA = 255;
const palettes = data === null ? {} : Object.fromEntries(Object.entries(data.palettes).map(([name, text]) => [name, fromBase64(text)]));
const MAP_KINDS = [
  { name: "Ratemap", palette: "rate", unit: "m" },
  { name: "Autocorrelogram", palette: "correlation", unit: "m" },
  { name: "Spectrum", palette: "rate", unit: "cycles/m" },
];

function mapPicture(map, codes, palette) {
  const picture = make("canvas");
  picture.width = map.columns;
  picture.height = map.rows;
  const context = picture.getContext("2d");
  const image = context.createImageData(map.columns, map.rows);
  for (let row = 0; row < map.rows; row += 1) {
    for (let column = 0; column < map.columns; column += 1) {
      const color = 3 * codes[row * map.columns + column];
      const pixel = 4 * ((map.rows - 1 - row) * map.columns + column);
      image.data.set(palette.subarray(color, color + 3), pixel);
      image.data[pixel + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return picture;
}

const mapValue = (map, code) => (code === NO_DATA ? NaN : map.low + (code / 254) * (map.high - map.low));

/** A map's sides; in bins where its steps are undefined. */
const mapExtent = (map) => [map.columns, map.rows].map((bins, axis) => bins * (map.step[axis] > 0 ? map.step[axis] : 1));

const pictures = new Map();

/** A unit's ratemap in an arena as a picture; null if there is none. */
function ratemapPicture(index, arena, codes) {
  const key = `${index}/${arena}`;
  if (!pictures.has(key)) {
    const map = data.units[index].arenas[arena].maps[0];
    pictures.set(key, map === null ? null : mapPicture(map, codes[arena][0], palettes.rate));
  }
  return pictures.get(key);
}

/** The largest arena's sides: what a picture spans when arenas are drawn to scale. */
const largestArena = data === null ? [1, 1] : [0, 1].map((axis) => Math.max(...data.arenas.map((arena) => arena.size[axis]), 1e-9));

/** Draws a unit's ratemap between two arenas: both pictures, weighted so that whole numbers show one alone. */
function drawRatemap(canvas, index, codes, position, toScale) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  // Weighted sums: added up, the two weights make an opaque picture.
  context.globalCompositeOperation = "lighter";
  const below = Math.floor(position);
  for (const [arena, weight] of [[below, 1 - (position - below)], [below + 1, position - below]]) {
    const picture = weight > 0 ? ratemapPicture(index, arena, codes) : null;
    if (picture === null) continue;
    const size = data.arenas[arena].size;
    const frame = toScale ? largestArena : size;
    const scale = Math.min(canvas.width / frame[0], canvas.height / frame[1]);
    const [width, height] = [size[0] * scale, size[1] * scale];
    context.globalAlpha = weight;
    context.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  }
  context.globalAlpha = 1;
  context.globalCompositeOperation = "source-over";
}

/** A bar of all colours of a palette, with its ends. */
function colorBar(palette, low, high) {
  const bar = make("canvas", { class: "color-bar", "aria-hidden": "true" });
  bar.width = 255;
  bar.height = 1;
  const context = bar.getContext("2d");
  const image = context.createImageData(255, 1);
  for (let level = 0; level < 255; level += 1) image.data.set([...palette.subarray(3 * level, 3 * level + 3), 255], 4 * level);
  context.putImageData(image, 0, 0);
  return make("div", { class: "color-scale" }, make("span", {}, low), bar, make("span", {}, high));
}
