import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Child, runChild, type ChildEnd } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';

const LINES = 20_000;
const FIXTURE = 'logs-at-sigterm.mjs';

/** How many different lines there are in `text`. */
const linesIn = (text: string): number => new Set(text.match(/line \d+;/gu)).size;

describe('20,000 lines at the moment of SIGTERM', () => {
  test.each(['file', 'lazy', 'slow'])('reach the end of a %s transport', async (kind) => {
    const file = join(makeFolder(), 'log');
    expect(await runChild(FIXTURE, { args: [kind, file] })).toMatchObject({ code: 0, stderr: '' });
    expect(linesIn(readFileSync(file, 'utf8'))).toBe(LINES);
  });

  test('reach a slow reader of stdout', async () => {
    const child = new Child(FIXTURE, { args: ['console', ''] });
    const { stdout } = child.process;
    stdout?.on('data', () => {
      stdout.pause();
      setTimeout(() => stdout.resume(), 5);
    });
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(linesIn(end.stdout)).toBe(LINES);
  });

  test('reach a log server, in batches', async () => {
    const { end, text } = await toLogServer(200);
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(linesIn(text)).toBe(LINES);
  });

  test('are reported as lost when the log server refuses them', async () => {
    const reports = makeFolder();
    const { end } = await toLogServer(503, reports);
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(readReport(reports).errors).toMatchObject([
      { step: 'logs', message: 'The log server answered 503' },
    ]);
  });

  test('to a stdout whose reader is gone end the service nevertheless', async () => {
    const reports = makeFolder();
    const child = new Child(FIXTURE, { args: ['unread', '', reports] });
    await child.saw('ready');
    child.process.stdout?.destroy();
    child.signal('SIGTERM');
    expect(await child.end).toMatchObject({ code: 0, signal: null });
    expect(readReport(reports).steps).toMatchObject([
      { name: 'logs', status: 'ok', details: { unread: [{ name: 'stdout', code: 'EPIPE' }] } },
    ]);
  });
});

async function toLogServer(
  statusCode: number,
  ...args: string[]
): Promise<{ end: ChildEnd; text: string }> {
  let text = '';
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => response.writeHead(statusCode).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const end = await runChild(FIXTURE, { args: ['http', `${port}`, ...args] });
  server.close();
  return { end, text };
}
