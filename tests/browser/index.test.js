// A sweep's index as a reader uses it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { columnTexts, launch, numberOf, shoot, withPage } from "./open.js";

const TABLE = "#run-table";
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());
const open = (use, options = {}) => withPage(browser, "index", options, use);

test("runs sort by any column and can be searched", () =>
  open(async (page) => {
    await shoot(page, "index", { fullPage: true });
    const heading = page.locator(`${TABLE} th`, { hasText: "grid score" });
    await heading.locator("button").click();
    assert.equal(await heading.getAttribute("aria-sort"), "descending");
    const scores = (await columnTexts(page, TABLE, 5)).map(numberOf);
    assert.equal(scores.length, 12);
    assert.ok(Number.isNaN(scores[11]), "the undefined one last");
    assert.deepEqual(scores.slice(0, 11), scores.slice(0, 11).toSorted((one, other) => other - one));
    await page.fill("#text-filter", "sweep-03");
    assert.deepEqual(await columnTexts(page, TABLE, 0), ["sweep-03"]);
    assert.equal(await page.locator("#run-count").innerText(), "1 of 12 runs");
  }));

test("each link leads to a report that is there", () =>
  open(async (page) => {
    const links = await page.$$eval(`${TABLE} a`, (all) => all.map((link) => link.href));
    assert.equal(links.length, 11, "one run has no report");
    for (const link of links) assert.ok(existsSync(fileURLToPath(link)), link);
    assert.equal(await page.locator(`${TABLE} b`).count(), 0, "a run's name is a text");
    await page.locator(`${TABLE} a`, { hasText: "sweep-02" }).click();
    await page.locator("h1", { hasText: "dead-network" }).waitFor();
  }));

test("the plot shows the runs that are found, by the columns that are chosen", () =>
  open(async (page) => {
    const points = page.locator("#run-plot .run-point");
    assert.equal(await points.count(), 12);
    const places = () => page.$$eval("#run-plot .run-point", (all) => all.map((point) => `${point.getAttribute("cx")} ${point.getAttribute("cy")}`).join());
    const before = await places();
    await page.selectOption("#plot-y", { label: "grid score" });
    assert.equal(await points.count(), 11, "one score is undefined");
    assert.match(await page.locator("#run-plot figcaption").innerText(), /^grid score against capacity; 1 undefined$/);
    assert.notEqual(await places(), before);
    await page.selectOption("#plot-x", { label: "torus" });
    assert.deepEqual(await page.locator("#run-plot .tick[text-anchor=middle]").allTextContents(), ["no", "yes"]);
    await page.fill("#text-filter", "sweep-03");
    assert.equal(await points.count(), 1);
    await page.locator("#run-plot a").click();
    await page.locator("h1").waitFor();
    assert.ok(!page.url().endsWith("index.html"), "a point leads to its report");
  }));

test("the table fits a wide page, and its first column stays where it does not", () =>
  open(async (page) => {
    const room = () => page.$eval(".scroll", (box) => box.scrollWidth - box.clientWidth);
    await page.setViewportSize({ width: 1400, height: 900 });
    assert.equal(await room(), 0);
    await page.setViewportSize({ width: 420, height: 900 });
    assert.ok((await room()) > 0);
    const left = () => page.$eval(`${TABLE} tbody th`, (cell) => cell.getBoundingClientRect().left);
    const before = await left();
    await page.locator(".scroll").focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => document.querySelector(".scroll").scrollLeft > 0);
    assert.equal(await left(), before);
  }));

test("whole numbers have whole ticks, and bars begin at 0", () =>
  open(async (page) => {
    await page.selectOption("#plot-x", { label: "modules" });
    const ticks = await page.locator("#run-plot .tick[text-anchor=middle]").allTextContents();
    assert.ok(ticks.length > 1 && ticks.every((tick) => /^−?\d+$/.test(tick)), ticks.join());
    const bars = await page.$$eval(`${TABLE} td.barred`, (cells) => cells.map((cell) => [cell.cellIndex, Number(cell.dataset.sort), Number.parseFloat(cell.style.getPropertyValue("--share"))]));
    for (const column of new Set(bars.map(([index]) => index))) {
      const own = bars.filter(([index]) => index === column);
      const [least, largest] = [Math.min(0, ...own.map(([, value]) => value)), Math.max(...own.map(([, value]) => value))];
      for (const [, value, share] of own) assert.ok(Math.abs(share - (100 * (value - least)) / (largest - least)) < 0.06, `${value}: ${share} %`);
    }
  }));

test("it has a dark side", () =>
  open((page) => shoot(page, "index-dark", { fullPage: true }), { colorScheme: "dark" }));
