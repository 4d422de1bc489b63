// Reports that the program itself wrote, from its own tables: tests/browser/real-reports makes them.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { bytesOf, canvasOf, columnTexts, folder, launch, numberOf, scrollThrough, shoot, withPage } from "./open.js";

const TABLE = "#unit-table";
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The pages of a lake's reports whose names begin so. */
const pagesOf = (lake, start = "") =>
  readdirSync(join(folder, "real", lake, "reports"))
    .filter((name) => name.startsWith(start) && name.endsWith(".html"))
    .map((name) => `real/${lake}/reports/${name.replace(/\.html$/, "")}`);
const trained = () => pagesOf("trained", "quickstart-")[0];
const open = (name, use, options = {}) => withPage(browser, name, options, use);
const rows = (page) => page.locator(`${TABLE} tbody tr:not([hidden])`);
const settle = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

describe("a trained network", () => {
  test("opens with its verdicts, its figures and its configuration, in light and in dark", async () => {
    const check = (name) => async (page) => {
      assert.match(await page.locator("h1").innerText(), /^quickstart-s1-/);
      const cards = await page.locator(".card").allInnerTexts();
      assert.ok(cards.some((card) => /Grid cells in the 2 m box\s+✓\d+ of 96 units/.test(card)), `${cards}`);
      assert.ok(cards.some((card) => /Modules\s+✓1 module/.test(card)), `${cards}`);
      assert.ok(cards.some((card) => /Torus of module 0/.test(card)), `${cards}`);
      assert.equal(await page.locator(".card details").count(), cards.length, "each verdict has its definition");
      const widths = await page.$$eval("#figures figure img", (images) => Promise.all(images.map((image) => image.decode().then(() => image.naturalWidth))));
      assert.ok(widths.length >= 10 && widths.every((width) => width > 100), `${widths}`);
      await page.locator("#provenance summary").first().click();
      assert.match(await page.locator("#provenance pre").first().innerText(), /lambda_cap = 0\.0/);
      await page.locator("#panel .map canvas").first().waitFor();
      await page.evaluate(() => scrollTo(0, 0));
      await shoot(page, name);
      await scrollThrough(page);
      await shoot(page, `${name}-whole`, { fullPage: true });
    };
    console.log(`# ${trained()}: ${bytesOf(trained())} bytes`);
    assert.ok(bytesOf(trained()) <= 10_000_000);
    await open(trained(), check("real-light"));
    await open(trained(), check("real-dark"), { colorScheme: "dark" });
  });

  test("a chosen unit shows its ratemap, its autocorrelogram and its spectrum with its waves, and its scores with their nulls", () =>
    open(trained(), async (page) => {
      await page.selectOption("#class-filter", "grid");
      assert.ok((await rows(page).count()) > 50);
      await rows(page).nth(3).locator("button.row").click();
      const unit = await rows(page).nth(3).locator("button.row").getAttribute("data-unit");
      await page.locator("#panel h3", { hasText: `Unit ${unit}` }).waitFor();
      const maps = page.locator("#panel .map canvas:not(.color-bar)");
      assert.equal(await maps.count(), 3);
      for (let index = 0; index < 3; index += 1) assert.ok((await canvasOf(maps.nth(index))).colors > 30, `map ${index}`);
      assert.match(await page.locator("#panel").innerText(), /null of 99: median/);
      assert.equal(await page.locator("#panel .null-plot").count(), 6);
      await page.locator("#units").scrollIntoViewIfNeeded();
      await shoot(page, "real-unit");
    }));

  test("its table sorts and its filters filter", () =>
    open(trained(), async (page) => {
      assert.equal(await rows(page).count(), 96);
      const headings = await page.locator(`${TABLE} th`).allInnerTexts();
      const column = headings.findIndex((heading) => heading.startsWith("grid score sargolini"));
      await page.locator(`${TABLE} th`).nth(column).locator("button").click();
      const scores = (await columnTexts(page, TABLE, column)).map(numberOf);
      const defined = scores.filter((score) => !Number.isNaN(score));
      assert.ok(defined.length > 60 && defined.length < 96, `${defined.length} scores`);
      assert.deepEqual(defined, defined.toSorted((one, other) => other - one));
      assert.ok(scores.slice(defined.length).every(Number.isNaN), "dead units last");
      await page.selectOption("#module-filter", "0");
      const modules = await columnTexts(page, TABLE, headings.findIndex((heading) => heading.startsWith("module")));
      assert.ok(modules.length > 50 && modules.every((module) => module === "0"));
    }));

  test("its states turn", () =>
    open(trained(), async (page) => {
      await page.locator("#states").scrollIntoViewIfNeeded();
      await page.waitForFunction(() => /points/.test(document.querySelector("#cloud-status").textContent));
      assert.equal(await page.locator("#cloud-status").innerText(), "3,000 points.");
      const canvas = page.locator("#cloud-canvas");
      const looks = new Set();
      const look = async () => {
        await settle(page);
        looks.add((await canvas.screenshot()).toString("base64"));
      };
      await look();
      const box = await canvas.boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2 + 100, box.y + box.height / 2 + 50, { steps: 4 });
      await page.mouse.up();
      await look();
      for (const color of ["x (m)", "y (m)"]) {
        await page.selectOption("#cloud-color", color);
        await look();
      }
      assert.equal(looks.size, 4);
      await shoot(page, "real-states");
    }));

  test("it fits a phone", () =>
    open(trained(), async (page) => {
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
      await page.locator("#panel .map canvas").first().waitFor();
      for (const part of ["summary", "modules", "units", "panel", "states", "figures", "definitions"]) {
        await page.locator(`#${part}`).evaluate((element) => element.scrollIntoView());
        await page.waitForTimeout(700);
        await shoot(page, `real-phone-${part}`);
      }
    }, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, colorScheme: "dark" }));
});

describe("a sweep", () => {
  test("runs without modules say so, and animate over their arenas", async () => {
    const pages = pagesOf("sweep");
    assert.equal(pages.length, 2);
    for (const name of pages) {
      await open(name, async (page) => {
        assert.match(await page.locator("#summary").innerText(), /No module was found: no group of units shares a lattice/);
        assert.equal(await page.locator("#states").count(), 0);
        assert.equal(await rows(page).count(), 24);
        const tile = page.locator("#wall .tile canvas").first();
        await tile.scrollIntoViewIfNeeded();
        await settle(page);
        const before = (await canvasOf(tile)).pixels;
        await page.locator("#arena").evaluate((slider) => {
          slider.value = 1;
          slider.dispatchEvent(new Event("input"));
        });
        assert.match(await page.locator("#unit-count").innerText(), /square-1.5m/);
        assert.notEqual((await canvasOf(tile)).pixels, before);
        await shoot(page, "real-no-modules");
      });
    }
  });

  test("its index compares them and leads to their reports", () =>
    open("real/sweep/reports/small/index", async (page) => {
      assert.deepEqual((await page.locator("#run-table th.key").allInnerTexts()).map((text) => text.trim()), ["lambda_cap"]);
      assert.deepEqual(await columnTexts(page, "#run-table", 1), ["0", "0.50"]);
      assert.deepEqual(await columnTexts(page, "#run-table", 2), ["done", "done"]);
      assert.equal(await page.locator("#run-plot .run-point").count(), 2);
      const widths = await page.$$eval("#figures figure img", (images) => Promise.all(images.map((image) => image.decode().then(() => image.naturalWidth))));
      assert.deepEqual(await page.locator("#figures figcaption strong").allInnerTexts(), ["Variants of small", "Sweep of small", "All ratemaps of variants of small"]);
      assert.ok(widths.every((width) => width > 100), `${widths}`);
      await page.locator("button.zoom").first().click();
      await page.locator("dialog[open] img").waitFor();
      await page.keyboard.press("Escape");
      await shoot(page, "real-index", { fullPage: true });
      await page.locator("#run-table a").last().click();
      await page.locator("h1", { hasText: "small-lambda_cap-0.5-s0-" }).waitFor();
    }));

  test("its index fits a phone, in dark", () =>
    open("real/sweep/reports/small/index", async (page) => {
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
      await shoot(page, "real-phone-index", { fullPage: true });
    }, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2, colorScheme: "dark" }));
});

test("a network of which no unit ever fires says so, and its units open", () =>
  open(pagesOf("dead")[0], async (page) => {
    assert.match(await page.locator("#summary").innerText(), /The network is dead: none of its 6 units is active/);
    await page.locator(`${TABLE} button.row`).nth(3).click();
    await page.locator("#panel h3", { hasText: "Unit 3" }).waitFor();
    assert.match(await page.locator("#panel").innerText(), /dead/);
    await shoot(page, "real-dead", { fullPage: true });
  }));
