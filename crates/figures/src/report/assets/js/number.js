// Numbers are written as in the figures: a true minus sign, about three figures, "–" for what is undefined.

const isDefined = (value) => typeof value === "number" && Number.isFinite(value);

const withMinus = (text) => (/[1-9]/.test(text) || !text.startsWith("-") ? text : text.slice(1)).replace("-", "−");

function formatNumber(value, decimals = null) {
  if (!isDefined(value)) return "–";
  if (decimals !== null) return withMinus(value.toFixed(decimals));
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.0095 || size >= 9999.5) return value.toExponential(1).replaceAll("-", "−").replace("e+", "e");
  return withMinus(value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0));
}

/** A p- or q-value: "0.43", "< 0.001". */
function formatShare(value) {
  if (!isDefined(value)) return "–";
  return value < 0.001 ? "< 0.001" : value.toFixed(value < 0.0995 ? 3 : 2);
}

/** A length or another size, without needless zeros. */
const formatSize = (value) => (isDefined(value) ? withMinus(String(Number(value.toPrecision(3)))) : "–");

const formatCount = (count) => count.toLocaleString("en");

const withUnit = (text, unit) => (unit === "" || text === "–" ? text : text + (unit === "°" ? "" : "\u00a0") + unit);
