// A report as a reader uses it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bytesOf, canvasOf, columnTexts, launch, numberOf, scrollThrough, shoot, withPage } from "./open.js";

const TABLE = "#unit-table";
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());
const open = (name, use, options = {}) => withPage(browser, name, options, use);
const rowCount = (page) => page.locator(`${TABLE} tbody tr:not([hidden])`).count();

describe("opening", () => {
  test("a report of 128 units in 3 arenas is small", async () => {
    assert.ok(bytesOf("ideal") <= 10_000_000, `${bytesOf("ideal")} bytes`);
    // How fast it opens is told and not tested: it depends on what else the machine does.
    const times = [];
    for (let load = 0; load < 5; load += 1) {
      await open("ideal", async (page) => {
        times.push(await page.evaluate(() => Math.round(performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd)));
      });
    }
    console.log(`# ideal: ${bytesOf("ideal")} bytes; DOMContentLoaded after ${times.join(", ")} ms`);
  });

  test("a report has its cards, its units, and a unit chosen", () =>
    open("ideal", async (page) => {
      assert.equal(await page.locator(".card").count(), 4);
      assert.equal(await rowCount(page), 128);
      await page.locator("#panel .map canvas").first().waitFor();
      await shoot(page, "desktop-light");
      await scrollThrough(page);
      await shoot(page, "desktop-light-whole", { fullPage: true });
    }));

  test("a run without modules says so", () =>
    open("no-modules", async (page) => {
      assert.match(await page.locator("#summary").innerText(), /No module was found: no cluster of units/);
      assert.equal(await page.locator("#modules").count(), 0);
      assert.equal(await page.locator("#states").count(), 0);
      assert.equal(await rowCount(page), 24);
      await page.locator("#panel .map canvas").first().waitFor();
      await shoot(page, "no-modules");
    }));

  test("a dead network says so, and its units still open", () =>
    open("dead", async (page) => {
      assert.match(await page.locator("#summary").innerText(), /The network is dead: none of its 16 units is active/);
      await page.locator(`${TABLE} button.row`).nth(3).click();
      await page.locator("#panel h3", { hasText: "Unit 3" }).waitFor();
      assert.equal(await page.locator("#panel .map canvas:not(.color-bar)").count(), 2, "a flat map, an undefined autocorrelogram, no spectrum");
      assert.match(await page.locator("#panel").innerText(), /the map is flat/);
      await shoot(page, "dead", { fullPage: true });
    }));

  test("a run's name is a text, whatever it holds", () =>
    open("html-name", async (page) => {
      const name = "<script>alert(1)</script><b>&\"'";
      assert.equal(await page.locator("h1").textContent(), name);
      assert.equal(await page.title(), `${name} · gridlake`);
      assert.equal(await page.locator("h1 *").count(), 0);
      await shoot(page, "html-name");
    }));

  test("a report in which every number is undefined opens, and so do its units and its 3D view", () =>
    open("undefined", async (page) => {
      await page.locator(`${TABLE} button.row`).nth(3).click();
      await page.locator("#panel h3", { hasText: "Unit 3" }).waitFor();
      assert.equal(await page.locator("#panel .map canvas:not(.color-bar)").count(), 3);
      assert.match(await page.locator("#panel").innerText(), /grid score\s+–/);
      await page.locator("#states").scrollIntoViewIfNeeded();
      await page.waitForFunction(() => document.querySelector("#cloud-status").textContent.startsWith("0 of 12,000 points"));
      assert.ok(await page.locator("#trouble").isHidden());
    }));

  test("units with nothing but a class, in one arena, open", () =>
    open("bare", async (page) => {
      await page.locator(`${TABLE} button.row`).nth(2).click();
      await page.locator("#panel h3", { hasText: "Unit 2" }).waitFor();
      assert.match(await page.locator("#panel").innerText(), /Ratemap none kept/);
      assert.ok(await page.locator("#play").isHidden(), "there is nothing to play");
      await page.locator("#states").scrollIntoViewIfNeeded();
      await page.waitForFunction(() => document.querySelector("#cloud-status").textContent === "0 points.");
      assert.ok(await page.locator("#trouble").isHidden());
    }));

  test("a report without anything opens", () =>
    open("empty", async (page) => {
      assert.match(await page.locator("#summary").innerText(), /no analyzed unit/);
      assert.equal(await page.locator("#units").count(), 0);
    }));
});

describe("units", () => {
  test("choosing a unit shows its maps and its scores with their nulls", () =>
    open("ideal", async (page) => {
      await page.locator("#wall .tile").nth(5).click();
      await page.locator("#panel h3", { hasText: "Unit 5" }).waitFor();
      const maps = page.locator("#panel .map canvas:not(.color-bar)");
      assert.equal(await maps.count(), 3);
      const seen = [];
      for (let index = 0; index < 3; index += 1) seen.push(await canvasOf(maps.nth(index)));
      for (const { colors } of seen) assert.ok(colors > 50, `${colors} colours`);
      assert.equal(await page.locator("#panel .null-plot").count(), 3);
      assert.ok((await page.locator("#panel .null-plot").first().locator("rect").count()) > 8);
      assert.match(await page.locator("#panel").innerText(), /null of 200: median/);
      await page.locator(`${TABLE} button.row[data-unit="90"]`).click();
      await page.locator("#panel h3", { hasText: "Unit 90" }).waitFor();
      assert.notEqual((await canvasOf(maps.first())).pixels, seen[0].pixels);
      assert.equal(await page.locator(`${TABLE} tr.chosen`).count(), 1);
      await maps.first().hover({ position: { x: 60, y: 60 } });
      assert.match(await page.locator("#panel .readout").first().innerText(), /^\(.+, .+\) m: /);
      await page.locator("#units").scrollIntoViewIfNeeded();
      await shoot(page, "unit");
    }));

  test("an autocorrelogram that was kept by half is whole", () =>
    open("ideal", async (page) => {
      const canvas = page.locator("#panel .map").nth(1).locator("canvas").first();
      await canvas.waitFor();
      const differences = await canvas.evaluate((element) => {
        const { width, height } = element;
        const { data } = element.getContext("2d").getImageData(0, 0, width, height);
        let unlike = 0;
        for (let index = 0; index < width * height; index += 1) if (data[4 * index] !== data[4 * (width * height - 1 - index)]) unlike += 1;
        return unlike / (width * height);
      });
      // Scaling to the screen's pixels rounds the two sides apart here and there.
      assert.ok(differences < 0.1, `${differences} of the pixels differ from their opposite`);
    }));

  test("the table sorts by number and by text, undefined last, by mouse and by key", () =>
    open("ideal", async (page) => {
      const heading = page.locator(`${TABLE} th`, { hasText: "grid score" });
      await heading.locator("button").click();
      assert.equal(await heading.getAttribute("aria-sort"), "descending");
      const down = (await columnTexts(page, TABLE, 3)).map(numberOf);
      const defined = down.filter((value) => !Number.isNaN(value));
      assert.ok(defined.length === 124 && down.slice(124).every(Number.isNaN), "undefined scores last");
      assert.deepEqual(defined, defined.toSorted((one, other) => other - one));
      await heading.locator("button").focus();
      await page.keyboard.press("Enter");
      assert.equal(await heading.getAttribute("aria-sort"), "ascending");
      const up = (await columnTexts(page, TABLE, 3)).map(numberOf);
      assert.deepEqual(up.slice(0, 124), defined.toReversed());
      assert.ok(up.slice(124).every(Number.isNaN), "undefined scores last this way too");
      await page.locator(`${TABLE} th`, { hasText: "class" }).locator("button").click();
      const classes = await columnTexts(page, TABLE, 1);
      assert.deepEqual(classes, classes.toSorted());
      assert.equal(await page.locator(`${TABLE} [aria-sort]`).count(), 1);
    }));

  test("filters leave the units that match, in the table and among the maps", () =>
    open("ideal", async (page) => {
      const tiles = page.locator("#wall .tile:not([hidden])");
      await page.selectOption("#class-filter", "band");
      assert.deepEqual([await rowCount(page), await tiles.count()], [4, 4]);
      await page.selectOption("#class-filter", "");
      await page.selectOption("#module-filter", "1");
      assert.deepEqual([await rowCount(page), await tiles.count()], [28, 28]);
      assert.ok((await columnTexts(page, TABLE, 2)).every((module) => module === "1"));
      await page.fill("#text-filter", "84");
      assert.deepEqual(await columnTexts(page, TABLE, 0), ["84"]);
      await page.fill("#text-filter", "nothing like this");
      assert.equal(await rowCount(page), 0);
      assert.match(await page.locator("#unit-count").innerText(), /^0 of 128 units/);
      await page.fill("#text-filter", "");
      await page.selectOption("#module-filter", "");
      assert.equal(await rowCount(page), 128);
    }));

  test("keys alone reach a unit, and go from one to the next", () =>
    open("ideal", async (page) => {
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
      await page.locator(`${TABLE} button.row`).first().focus();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.locator("#panel h3", { hasText: "Unit 2" }).waitFor();
      await page.locator("#wall .tile[tabindex='0']").focus();
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Space");
      await page.locator("#panel h3", { hasText: "Unit 1" }).waitFor();
      await page.locator("#panel button", { hasText: "›" }).click();
      await page.locator("#panel h3", { hasText: "Unit 2" }).waitFor();
    }));

  test("the slider fades from arena to arena, and the play button moves it", () =>
    open("ideal", async (page) => {
      const tile = page.locator("#wall .tile canvas").first();
      await tile.scrollIntoViewIfNeeded();
      await page.waitForFunction(() => document.querySelector("#wall .tile:last-child canvas").getContext("2d").getImageData(48, 48, 1, 1).data[3] > 0);
      const slide = (value) => page.locator("#arena").evaluate((slider, to) => {
        slider.value = to;
        slider.dispatchEvent(new Event("input"));
      }, value);
      const looks = [];
      for (const position of [0, 0.5, 1, 2]) {
        await slide(position);
        looks.push((await canvasOf(tile)).pixels);
      }
      assert.equal(new Set(looks).size, 4, "each arena looks different, and so does what is between two");
      assert.match(await page.locator("#unit-count").innerText(), /square-4m/);
      await page.locator("#panel .tag", { hasText: "square-4m" }).waitFor();
      await page.locator("#to-scale").check();
      await slide(0);
      assert.notEqual((await canvasOf(tile)).pixels, looks[0], "to scale, the smaller arena is smaller");
      await page.locator("#arena").focus();
      await page.keyboard.press("ArrowRight");
      assert.equal(await page.locator("#arena").getAttribute("aria-valuetext"), "square-3m");
      await page.click("#play");
      await page.waitForFunction(() => document.querySelector("#arena").getAttribute("aria-valuetext") === "square-4m");
      await page.click("#play");
      assert.equal(await page.locator("#play").innerText(), "Play");
    }));
});

describe("figures", () => {
  test("all are pictures that load, and open large", () =>
    open("ideal", async (page) => {
      const widths = await page.$$eval("#figures figure img", (images) => Promise.all(images.map((image) => image.decode().then(() => image.naturalWidth))));
      assert.equal(widths.length, 2);
      assert.ok(widths.every((width) => width > 100), `${widths}`);
      await page.locator("button.zoom").first().click();
      await page.locator("dialog[open] img").waitFor();
      await shoot(page, "figure");
      await page.keyboard.press("Escape");
      assert.equal(await page.locator("dialog[open]").count(), 0);
    }));
});

describe("looks", () => {
  const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  test("dark by button, and dark where the system is", async () => {
    let light;
    await open("ideal", async (page) => {
      light = await background(page);
      await page.click("#theme");
      assert.notEqual(await background(page), light);
      await page.locator("#panel .map canvas").first().waitFor();
      await shoot(page, "desktop-dark");
      await scrollThrough(page);
      await shoot(page, "desktop-dark-whole", { fullPage: true });
      await page.click("#theme");
      assert.equal(await background(page), light);
    });
    await open("ideal", async (page) => {
      assert.notEqual(await background(page), light);
      await page.click("#theme");
      assert.equal(await background(page), light);
    }, { colorScheme: "dark" });
  });

  for (const name of ["ideal", "no-modules", "dead", "html-name", "undefined", "bare", "empty", "index"]) {
    test(`${name} fits a phone of 360 pixels`, () =>
      open(name, async (page) => {
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= 360, `${width} pixels wide`);
        if (name === "ideal") await page.locator("#panel .map canvas").first().waitFor();
        await shoot(page, `phone-${name}`, { fullPage: true });
        if (name !== "ideal") return;
        for (const part of ["summary", "units", "panel", "states"]) {
          await page.locator(`#${part}`).evaluate((element) => element.scrollIntoView());
          await page.waitForTimeout(700);
          await shoot(page, `phone-${part}`);
        }
      }, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }));
  }
});
