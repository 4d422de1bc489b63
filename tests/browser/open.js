// Opens pages and watches them: whatever a page complains about or asks the network for fails its test.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";

// The packages lie in a folder of their own, outside of the repository.
const { chromium } = createRequire(join(resolve(process.env.GRIDLAKE_BROWSER_TOOLS), "package.json"))("playwright-core");

export const folder = resolve(process.env.GRIDLAKE_PAGES);
export const shots = process.env.GRIDLAKE_SHOTS;

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** WebGL in software: what a machine without a GPU has. Later versions of Chromium ask to be told so. */
const SOFTWARE_GL = ["--enable-unsafe-swiftshader"];

export const launch = (...extra) => chromium.launch({ executablePath: process.env.GRIDLAKE_CHROMIUM, args: [...FLAGS, ...SOFTWARE_GL, ...extra] });

export const fileOf = (name) => join(folder, `${name}.html`);
export const bytesOf = (name) => statSync(fileOf(name)).size;

/** What software GL says of itself on every read of pixels, and Chromium of these checks' own reading of canvases: no page can help it. */
const isOurDoing = (text) => ["GL Driver Message", "GPU stall due to ReadPixels", "Multiple readback operations using getImageData"].some((part) => text.includes(part));

/** Opens a page of the folder, hands it to `use`, then fails if the page complained or asked for anything. */
export async function withPage(browser, name, options, use) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const complaints = [];
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning", "assert"].includes(message.type()) && !isOurDoing(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) complaints.push(`request: ${request.url()}`);
  });
  try {
    await page.goto(pathToFileURL(fileOf(name)).href);
    await use(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

/** Keeps a picture of the page for people to look at. */
export async function shoot(page, name, options = {}) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), ...options });
}

/** Brings every part of the page near the screen once, and goes back to the top: what is drawn late is drawn then. */
export async function scrollThrough(page) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let at = 0; at < height; at += 600) {
    await page.evaluate((top) => scrollTo(0, top), at);
    await page.waitForTimeout(150);
  }
  await page.waitForTimeout(1000);
  await page.evaluate(() => scrollTo(0, 0));
}

/** The texts of a column of a table's shown rows. */
export const columnTexts = (page, table, column) =>
  page.$$eval(`${table} tbody tr:not([hidden])`, (rows, index) => rows.map((row) => row.cells[index].textContent.trim()), column);

/** The number of a text as pages write it; NaN for "–". */
export const numberOf = (text) => (text === "–" ? NaN : Number(text.replace("< ", "").replace("−", "-").replaceAll(",", "")));

/** How many colours a canvas shows, and its pixels as text. */
export const canvasOf = (locator) =>
  locator.evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colors = new Set();
    for (let index = 0; index < data.length; index += 4) colors.add((data[index] << 16) | (data[index + 1] << 8) | data[index + 2]);
    return { colors: colors.size, pixels: canvas.toDataURL() };
  });
