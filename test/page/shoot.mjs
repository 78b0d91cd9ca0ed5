// Pictures of the page, to be looked at: `node test/page/shoot.mjs FOLDER [NAME…]`

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBrowser } from './browser.mjs';
import { NAMES, node, root, shutdown } from './shutdowns.mjs';

const [folder, ...names] = process.argv.slice(2);
const VIEWS = [
  ['light', { width: 1200, height: 800 }, 'light'],
  ['dark', { width: 1200, height: 800 }, 'dark'],
  ['narrow', { width: 400, height: 800 }, 'light'],
];

await mkdir(folder, { recursive: true });
const browser = await openBrowser();
try {
  for (const name of names.length > 0 ? names : NAMES) {
    const evidence = await shutdown(name, folder);
    const html = path.join(folder, `${name}.html`);
    await node([path.join(root, 'dist/cli/main.js'), 'report', evidence, '--html', html], {});
    const page = await browser.context.newPage();
    await page.goto(pathToFileURL(html).href);
    for (const [view, size, colorScheme] of VIEWS) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(folder, `${name}-${view}.png`), fullPage: true });
    }
    await page.pdf({
      path: path.join(folder, `${name}.pdf`),
      format: 'A4',
      preferCSSPageSize: true,
    });
    await page.close();
  }
} finally {
  await browser.close();
}
