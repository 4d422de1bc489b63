// A score against its null distribution: a histogram with a mark.

const NULL_WIDTH = 220;
const NULL_HEIGHT = 34;

function nullPlot(score) {
  const { low, high, counts } = score.null;
  const most = Math.max(...counts, 1);
  const values = [low, high].concat(isDefined(score.value) ? [score.value] : []);
  const [least, largest] = [Math.min(...values), Math.max(...values)];
  const pad = (largest - least || 1) * 0.04;
  const x = (value) => ((value - least + pad) / (largest - least + 2 * pad)) * NULL_WIDTH;
  const width = Math.max((x(high) - x(low)) / counts.length, 0.8);
  const bars = counts.map((count, bin) => {
    const height = (count / most) * (NULL_HEIGHT - 4);
    const left = high > low ? x(low) + bin * width : x(low) - 1;
    return count === 0 ? null : makeSvg("rect", { class: "null-bar", x: left.toFixed(1), y: (NULL_HEIGHT - height).toFixed(1), width: width.toFixed(1), height: height.toFixed(1) });
  });
  const at = isDefined(score.value) ? x(score.value).toFixed(1) : null;
  const mark = at === null ? null : makeSvg("line", { class: "null-mark", x1: at, x2: at, y1: 0, y2: NULL_HEIGHT });
  const median = formatNumber(score.null.quantiles[2]);
  const label = `Null distribution of ${score.null.defined} surrogates, median ${median}, 99 % quantile ${formatNumber(score.null.quantiles[4])}`;
  return makeSvg("svg", { class: "null-plot", viewBox: `0 0 ${NULL_WIDTH} ${NULL_HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, ...bars, mark);
}
