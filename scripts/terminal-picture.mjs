// Draws what a command leaves on a terminal: terminal-picture.mjs COLUMNSxROWS LABEL command... > picture.svg
// With STOP_AT=text, what stands there when that text does.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { TextDecoder } from 'node:util';
import xterm from '@xterm/headless';
import { Unicode11Addon } from '@xterm/addon-unicode11';

const [size = '', label = '', ...command] = process.argv.slice(2);
const [columns, rows] = size.split('x').map(Number);

const CELL = { width: 7.825, height: 19 };
const MARGIN = { left: 16, top: 48, bottom: 16 };
const FOREGROUND = '#e6edf3';
const DIM = '#8b949e';
/** Of the 16, those that the console uses. */
const COLOURS = { 1: '#f85149', 2: '#3fb950', 3: '#d29922', 6: '#39c5cf' };

const terminal = new xterm.Terminal({
  cols: columns,
  rows,
  scrollback: 1000,
  allowProposedApi: true,
});
terminal.loadAddon(new Unicode11Addon());
terminal.unicode.activeVersion = '11';

await run();
process.stdout.write(svg(screen()));
process.exit(0);

async function run() {
  const env = { ...process.env, TERM: 'xterm-256color' };
  delete env.CI;
  const runner = path.join(import.meta.dirname, '..', 'test', 'fixtures', 'terminal.py');
  const child = spawn('python3', [runner, size, ...command], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    await new Promise((done) => terminal.write(decoder.decode(chunk, { stream: true }), done));
    if (process.env.STOP_AT && text().includes(process.env.STOP_AT)) {
      child.kill();
      return;
    }
  }
}

function* lines() {
  const { active } = terminal.buffer;
  for (let index = 0; index < active.length; index += 1) yield active.getLine(index);
}

function text() {
  return [...lines()].map((line) => line.translateToString(true)).join('\n');
}

/** The rows as runs of cells that look the same. */
function screen() {
  const all = [...lines()].map(runsOf);
  while (all.at(-1)?.length === 0) all.pop();
  return all;
}

function runsOf(line) {
  const runs = [];
  const end = line.translateToString(true).length;
  for (let column = 0, taken = 0; taken < end; column += 1) {
    const cell = line.getCell(column);
    if (cell === undefined) break;
    const chars = cell.getWidth() === 0 ? '' : cell.getChars() || ' ';
    taken += chars.length;
    if (chars === '') continue;
    const dim = cell.isDim() !== 0;
    const fill = cell.isFgPalette() ? COLOURS[cell.getFgColor()] : dim ? DIM : FOREGROUND;
    const bold = cell.isBold() !== 0;
    const last = runs.at(-1);
    if (last?.fill === fill && last.bold === bold) last.text += chars;
    else runs.push({ fill, bold, text: chars, column });
  }
  return runs;
}

function svg(all) {
  const width = Math.ceil(MARGIN.left * 2 + columns * CELL.width);
  const height = MARGIN.top + (all.length - 1) * CELL.height + MARGIN.bottom + 8;
  const dots = [20, 38, 56].map((x) => `<circle cx="${x}" cy="18" r="5"/>`).join('');
  const font = 'ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace';
  const texts = all.flatMap((runs, row) => runs.map((run) => span(run, row)));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g fill="#30363d">${dots}</g>
<g font-family="${font}" font-size="13" fill="${FOREGROUND}" xml:space="preserve" style="white-space:pre">
${texts.join('\n')}
</g></svg>
`;
}

/** Each run at its own column: fonts differ in the width of some characters. */
function span({ fill, bold, text: characters, column }, row) {
  if (characters.trim() === '') return '';
  const blanks = characters.length - characters.trimStart().length;
  const x = (MARGIN.left + (column + blanks) * CELL.width).toFixed(1);
  const y = MARGIN.top + row * CELL.height;
  const style = `${fill === FOREGROUND ? '' : ` fill="${fill}"`}${bold ? ' font-weight="bold"' : ''}`;
  return `<text x="${x}" y="${y}"${style}>${escaped(characters.trim())}</text>`;
}

function escaped(value) {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
