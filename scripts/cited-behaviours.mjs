// Counts the tests of the simulator that cite the documentation for what they expect, and looks up each
// quote, word for word, in the headers of the CUDA toolkit where there is one. A quote of another page
// names it in brackets behind itself: "…" (programming guide). Ends with 1 where a quote stands in no
// header and names no page.
//   node scripts/cited-behaviours.mjs [--uncited]
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const suites = path.join(root, 'test/native/simulator');
const include = path.join(process.env.CUDA_HOME ?? '/usr/local/cuda', 'include');
const HEADERS = ['cuda_runtime_api.h', 'driver_types.h'];

const tests = readdirSync(suites, { recursive: true })
  .filter((file) => file.endsWith('_test.cc'))
  .sort()
  .flatMap((file) => testsIn(file));
const cited = tests.filter(({ quotes }) => quotes.length > 0);
const quotes = cited.flatMap((test) => test.quotes.map((quote) => ({ ...quote, test })));
console.log(`${cited.length} of ${tests.length} tests cite the documentation.`);
if (process.argv.includes('--uncited')) {
  for (const { file, name, quotes } of tests)
    if (quotes.length === 0) console.log(`${file} ${name}`);
}

if (HEADERS.every((header) => existsSync(path.join(include, header)))) {
  const text = HEADERS.map((header) =>
    plain(readFileSync(path.join(include, header), 'utf8')),
  ).join(' ');
  const found = quotes.filter(({ quote }) => isIn(text, quote));
  const elsewhere = quotes.filter(({ quote, page }) => page !== undefined && !isIn(text, quote));
  const nowhere = quotes.filter(({ quote, page }) => page === undefined && !isIn(text, quote));
  console.log(
    `${quotes.length} quotes: ${found.length} word for word in the headers, ${elsewhere.length} of pages that they name.`,
  );
  for (const { quote, test } of nowhere) {
    console.error(`${test.file} ${test.name}: in no header, and names no page: "${quote}"`);
  }
  if (nowhere.length > 0) process.exitCode = 1;
} else {
  console.log(`${quotes.length} quotes, not looked up: no CUDA toolkit in ${include}.`);
}

/** Each test with the quotes of the comment in front of it. */
function testsIn(file) {
  const lines = readFileSync(path.join(suites, file), 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    const name = /^TEST(?:_[FP])?\((\w+, \w+)\)/.exec(line)?.[1];
    if (name === undefined) return [];
    let start = index;
    while (lines[start - 1]?.startsWith('//')) start -= 1;
    const comment = lines.slice(start, index).map((each) => each.slice(2).trim());
    const found = comment.join(' ').matchAll(/"([^"]+)"(?: \(([^)]+)\))?/g);
    return [{ file, name, quotes: [...found].map(([, quote, page]) => ({ quote, page })) }];
  });
}

/** Whether the parts between the quote's dots follow one another. */
function isIn(text, quote) {
  let from = 0;
  return quote.split('…').every((part) => {
    const words = plain(part).trim();
    const at = text.indexOf(words, from);
    from = at + words.length;
    return at >= 0;
  });
}

/** A header's comments as a reader sees them: without margins, marks of Doxygen and line breaks. */
function plain(text) {
  return text
    .replace(/\n\s*\*+/g, ' ')
    .replace(/\\returns?\b/g, 'Returns')
    .replace(/\\(?:p|ref|e|c|b|note|par|sa)\b/g, ' ')
    .replace(/<\/?\w+>|::|\\/g, '')
    .replace(/\s+/g, ' ')
    .replace(/([([]) /g, '$1');
}
