// The page in a browser: nothing is cut, everything can be read and reached, in every dress.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openBrowser } from './browser.mjs';
import { NAMES, node, root, shutdown } from './shutdowns.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = await mkdtemp(path.join(tmpdir(), 'cuda-shutdown-page-'));
const html = (name) => path.join(folder, `${name}.html`);
let browser;

before(async () => {
  browser = await openBrowser();
  for (const name of NAMES) {
    const evidence = await shutdown(name, folder);
    const args = [path.join(root, 'dist/cli/main.js'), 'report', evidence, '--html', html(name)];
    const { code, stderr } = await node(args, {});
    assert.equal(code, 0, stderr);
  }
});

after(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

/** Opens a page, and collects what it complains of and whatever it asks for. */
async function open(name, { width = 1200, colorScheme = 'light' } = {}) {
  const page = await browser.context.newPage();
  const heard = [];
  page.on('console', (message) => heard.push(message.text()));
  page.on('pageerror', (error) => heard.push(String(error)));
  page.on('request', (request) => heard.push(request.url()));
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme });
  const address = pathToFileURL(html(name)).href;
  await page.goto(address);
  return { page, heard: () => heard.filter((one) => one !== address) };
}

for (const name of NAMES) {
  describe(`a shutdown that was ${name}`, () => {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [1200, 400]) {
        test(`axe finds nothing, ${colorScheme}, ${width} px wide`, async () => {
          const { page, heard } = await open(name, { width, colorScheme });
          await page.evaluate(axe);
          const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
          const found = violations.map(({ id, nodes }) => [id, nodes[0]?.html]);
          assert.deepEqual(found, []);
          assert.ok(passes.some(({ id }) => id === 'color-contrast'));
          assert.deepEqual(heard(), []);
          await page.close();
        });
      }
    }

    test('the keyboard reaches every bar, in order, and shows where it is', async () => {
      const { page } = await open(name);
      const bars = await page.$$eval('a.lane', (all) => all.map(({ hash }) => hash));
      assert.ok(bars.length > 0);
      const reached = [];
      let outlined = 0;
      // Stacks and tables are stops as well.
      for (
        let press = 0;
        reached.length < bars.length && press < bars.length * 2 + 20;
        press += 1
      ) {
        await page.keyboard.press('Tab');
        const { hash, outline } = await page.evaluate(() => {
          const { activeElement: active } = document;
          const { outlineStyle, outlineWidth } = getComputedStyle(active);
          const bar = active.matches('a.lane');
          return { hash: bar ? active.hash : '', outline: `${outlineStyle} ${outlineWidth}` };
        });
        if (hash === '') continue;
        reached.push(hash);
        if (outline === 'solid 3px') outlined += 1;
      }
      assert.deepEqual(reached, bars);
      assert.equal(outlined, bars.length);
      // Enter leads to its numbers.
      await page.keyboard.press('Enter');
      const target = await page.$eval(':target', ({ id }) => `#${id}`);
      assert.equal(target, bars.at(-1));
      await page.close();
    });

    for (const width of [1200, 400, 320]) {
      test(`nothing is wider than ${width} px`, async () => {
        const { page } = await open(name, { width });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${wide} px`);
        await page.close();
      });
    }

    test('on paper nothing is cut', async () => {
      const { page } = await open(name);
      // The width of A4 less the margins, in CSS pixels.
      await page.setViewportSize({ width: 702, height: 1000 });
      await page.emulateMedia({ media: 'print' });
      const cut = await page.evaluate(() => {
        const right = document.documentElement.clientWidth + 1;
        return [...document.querySelectorAll('main *, footer')]
          .filter((one) => !one.closest('.hidden, details, svg'))
          .filter((one) => one.getBoundingClientRect().right > right)
          .map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 30)}`);
      });
      assert.deepEqual(cut, []);
      const pdf = await page.pdf({ format: 'A4', preferCSSPageSize: true });
      assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
      await page.close();
    });
  });
}

test('bars lie where their times are', async () => {
  const { page } = await open('clean');
  const { stdout } = await node(
    [path.join(root, 'dist/cli/main.js'), 'report', path.join(folder, 'clean/reports'), '--json'],
    {},
  );
  const { steps } = JSON.parse(stdout);
  const boxes = await page.$$eval('.step > .row .lane', (all) =>
    all.map((lane) => {
      const [is, of] = [lane.querySelector('.bar'), lane].map((one) => one.getBoundingClientRect());
      return { from: (is.left - of.left) / of.width, to: (is.right - of.left) / of.width };
    }),
  );
  // Two steps give the scale, the others must fit to it.
  const [first, last] = [steps[0], steps.at(-1)];
  const scale = (boxes.at(-1).from - boxes[0].from) / (last.startMs - first.startMs);
  for (const [index, { startMs }] of steps.entries()) {
    const at = boxes[0].from + (startMs - first.startMs) * scale;
    assert.ok(Math.abs(boxes[index].from - at) < 0.005, `${index}`);
  }
  await page.close();
});
