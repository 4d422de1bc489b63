// The 3D view, with WebGL and without.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, shoot, withPage } from "./open.js";

/** Runs the same checks on either renderer. */
function checks(flags, remark, shot) {
  let browser;
  before(async () => {
    browser = await launch(...flags);
  });
  after(() => browser.close());

  const open = (use, options = {}) => withPage(browser, "ideal", options, async (page) => {
    await page.locator("#states").scrollIntoViewIfNeeded();
    const canvas = page.locator("#cloud-canvas");
    await page.waitForFunction(() => document.querySelector("#cloud-status").textContent !== "");
    await settle(page);
    await use(page, canvas);
  });
  /** Two frames on, what was asked for is drawn. */
  const settle = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const look = async (page, canvas) => {
    await settle(page);
    return (await canvas.screenshot()).toString("base64");
  };
  const view = (canvas) => canvas.evaluate((element) => element.dataset.view.split(" ").map(Number));

  test("dragging and arrow keys turn it, and Home turns it back", () =>
    open(async (page, canvas) => {
      await canvas.focus();
      const first = await look(page, canvas);
      const box = await canvas.boundingBox();
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x + 120, y + 40, { steps: 4 });
      await page.mouse.up();
      const dragged = await look(page, canvas);
      assert.notEqual(dragged, first, "pixels change after a drag");
      const before = await view(canvas);
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("ArrowUp");
      const keyed = await look(page, canvas);
      assert.notEqual(keyed, dragged, "pixels change after arrow keys");
      const turned = await view(canvas);
      assert.ok(turned[0] < before[0] && turned[1] > before[1] && turned[2] === before[2], `${before} to ${turned}`);
      await page.keyboard.press("Home");
      assert.equal(await look(page, canvas), first, "the first view has the first pixels");
      await shoot(page, shot);
    }));

  test("the wheel zooms a view that has the focus and scrolls the page otherwise", () =>
    open(async (page, canvas) => {
      const box = await canvas.boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      const zoom = async () => (await view(canvas))[2];
      const before = await zoom();
      await page.mouse.wheel(0, -40);
      await settle(page);
      assert.equal(await zoom(), before);
      await canvas.focus();
      await page.mouse.wheel(0, -120);
      await page.waitForFunction((was) => Number(document.querySelector("#cloud-canvas").dataset.view.split(" ")[2]) > was, before);
    }));

  test("colours and clouds can be chosen, and the page says how many points there are", () =>
    open(async (page, canvas) => {
      const status = page.locator("#cloud-status");
      assert.equal(await status.innerText(), ["10,000 of 12,000 points, evenly picked.", remark].join(" ").trim());
      const looks = new Set();
      for (const color of ["x (m)", "y (m)", "phase 1"]) {
        await page.selectOption("#cloud-color", color);
        assert.match(await page.locator("#cloud-legend").innerText(), new RegExp(color.replace(/[()]/g, "\\$&")));
        looks.add(await look(page, canvas));
      }
      await shoot(page, `${shot}-phase`);
      await page.selectOption("#cloud-choice", { index: 1 });
      await page.waitForFunction(() => document.querySelector("#cloud-status").textContent.startsWith("4,000 points."));
      assert.equal(await page.locator("#cloud-color").inputValue(), "phase 1", "the colour stays");
      looks.add(await look(page, canvas));
      assert.equal(looks.size, 4);
    }));

  test("it turns by itself only when asked, and never where less motion is wished for", async () => {
    await open(async (page, canvas) => {
      const before = await view(canvas);
      await settle(page);
      assert.deepEqual(await view(canvas), before);
      await page.click("#cloud-spin");
      await page.waitForFunction((was) => Number(document.querySelector("#cloud-canvas").dataset.view.split(" ")[0]) > was + 0.01, before[0]);
      await page.click("#cloud-spin");
    });
    await open((page) => page.locator("#cloud-spin").waitFor({ state: "hidden" }), { reducedMotion: "reduce" });
  });
}

describe("with WebGL", () => checks([], "", "cloud"));
describe("without WebGL", () => checks(["--disable-3d-apis"], "WebGL is not available: drawn on a flat canvas, more slowly.", "cloud-flat"));
