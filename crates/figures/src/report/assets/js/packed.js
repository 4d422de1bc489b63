// What was packed into the page: base64 of raw deflate.

const data = byId("data") === null ? null : JSON.parse(byId("data").textContent);

function fromBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = characters.charCodeAt(index);
  return bytes;
}

async function unpack(text) {
  const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const canUnpack = () => {
  try {
    return new DecompressionStream("deflate-raw") !== null;
  } catch {
    return false;
  }
};

/** A map's codes from differences, and from the half that a half turn makes whole. */
function restoreCodes(differences, map) {
  const codes = new Uint8Array(map.rows * map.columns);
  let code = 0;
  for (let index = 0; index < differences.length; index += 1) {
    code = (code + differences[index]) & 255;
    codes[index] = code;
  }
  for (let index = differences.length; index < codes.length; index += 1) codes[index] = codes[codes.length - 1 - index];
  return codes;
}

const unpackedUnits = new Map();

/** The codes of a unit's maps: for each arena those of ratemap, autocorrelogram and spectrum, null where there is none. */
function unitCodes(index) {
  if (!unpackedUnits.has(index)) {
    const unit = data.units[index];
    unpackedUnits.set(index, unpack(unit.codes).then((bytes) => {
      let at = 0;
      return unit.arenas.map((here) => here.maps.map((map) => {
        if (map === null) return null;
        at += map.bytes;
        return restoreCodes(bytes.subarray(at - map.bytes, at), map);
      }));
    }));
  }
  return unpackedUnits.get(index);
}
