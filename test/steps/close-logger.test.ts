/* eslint @typescript-eslint/no-unsafe-class-instance-assignment: off -- winston's types declare its transports twice */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import winston from 'winston';
import Transport from 'winston-transport';
import type { ReportedStep } from '../../lib/shutdown/report.js';
import { closeLogger, type CloseableLogger } from '../../lib/steps/close-logger.js';
import { Child, runChild } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';
import { fakeShutdown } from '../support/shutdown.js';

const LINES = 2000;

async function closed(
  logger: CloseableLogger,
  timeoutMs = 5000,
): Promise<ReportedStep | undefined> {
  const report = await fakeShutdown({ timeoutMs }).add(closeLogger(logger)).start();
  return report.steps[0];
}

const linesIn = (text: string): number => text.match(/"line \d+/gu)?.length ?? 0;
const count = (file: string): number => linesIn(readFileSync(file, 'utf8'));

/** Takes a millisecond for an entry. */
class SlowTransport extends Transport {
  readonly entries: unknown[] = [];
  override log(entry: unknown, next: () => void): void {
    setTimeout(() => {
      this.entries.push(entry);
      next();
    }, 1);
  }
}

describe('a winston logger', () => {
  test('writes every line to its file, and ends', async () => {
    const file = join(makeFolder(), 'log');
    const logger = winston.createLogger({
      transports: [new winston.transports.File({ filename: file })],
    });
    for (let line = 0; line < LINES; line += 1) logger.info(`line ${line}`);
    expect(await closed(logger)).toMatchObject({ name: 'logs', status: 'ok' });
    expect(count(file)).toBe(LINES);
    expect(logger.writable).toBe(false);
  });

  test('writes every line to a file that is opened late', async () => {
    const file = join(makeFolder(), 'log');
    const logger = winston.createLogger({
      transports: [new winston.transports.File({ filename: file, lazy: true })],
    });
    for (let line = 0; line < LINES; line += 1) logger.info(`line ${line}`);
    expect(await closed(logger)).toMatchObject({ status: 'ok' });
    expect(count(file)).toBe(LINES);
  });

  test('hands every entry to a slow transport', async () => {
    const slow = new SlowTransport();
    const logger = winston.createLogger({ transports: [slow] });
    for (let line = 0; line < 200; line += 1) logger.info(`line ${line}`);
    expect(await closed(logger)).toMatchObject({ status: 'ok' });
    expect(slow.entries).toHaveLength(200);
  });

  test('waits for the stream behind a transport', async () => {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _, callback) {
        setTimeout(() => {
          written.push(chunk.toString());
          callback();
        }, 1);
      },
    });
    const logger = winston.createLogger({
      transports: [new winston.transports.Stream({ stream })],
    });
    for (let line = 0; line < 100; line += 1) logger.info(`line ${line}`);
    expect(await closed(logger)).toMatchObject({ status: 'ok' });
    expect(written).toHaveLength(100);
  });

  test('is done at once when it has ended before, or has no transport', async () => {
    const file = join(makeFolder(), 'log');
    const ended = winston.createLogger({
      transports: [new winston.transports.File({ filename: file })],
    });
    expect(await closed(ended)).toMatchObject({ status: 'ok' });
    expect(await closed(ended)).toMatchObject({ status: 'ok' });
    expect(await closed(winston.createLogger({ transports: [] }))).toMatchObject({ status: 'ok' });
  });

  test('with a transport that never takes anything does not outlast its time', async () => {
    const stuck = new Transport({ log: () => undefined });
    const logger = winston.createLogger({ transports: [stuck] });
    logger.info('line 0');
    expect(await closed(logger, 300)).toMatchObject({ status: 'timed-out' });
  });

  test('with a transport that fails is reported, and not waited for', async () => {
    const failing = new Transport({
      log() {
        setTimeout(() => failing.emit('error', new Error('refused')), 50);
      },
    });
    const good = new SlowTransport();
    const logger = winston.createLogger({ transports: [failing, good] });
    for (let line = 0; line < 100; line += 1) logger.info(`line ${line}`);
    const step = closed(logger);
    expect(await step).toMatchObject({ status: 'failed', error: 'Log entries may be lost' });
    expect(good.entries).toHaveLength(100);
  });
});

describe('another logger', () => {
  test.each(['flush', 'end', 'close'])('is closed by its %s, with a callback', async (method) => {
    const calls: unknown[] = [];
    const logger = {
      [method](this: unknown, callback: () => void) {
        calls.push(this);
        setTimeout(callback, 10);
      },
    };
    expect(await closed(logger as never)).toMatchObject({ status: 'ok' });
    expect(calls).toEqual([logger]);
  });

  test('is closed by a promise', async () => {
    expect(await closed({ flush: () => Promise.reject(new Error('no')) })).toMatchObject({
      status: 'failed',
      error: 'no',
    });
  });

  test('that is a stream is ended, and an error of it fails the step', async () => {
    const stream = new Writable({
      write: (_chunk, _encoding, callback) => {
        callback(new Error('disk full'));
      },
    });
    stream.write('a');
    expect(await closed(stream)).toMatchObject({ status: 'failed', error: 'disk full' });
  });

  test.each([[{}], [null], [console]])('is not %p', (logger) => {
    expect(() => closeLogger(logger as never)).toThrow(
      'Expected the logger to be a winston logger, a stream, or to have flush, end or close',
    );
  });
});

describe('a service with a winston logger', () => {
  test('delivers every line and its summary to a file', async () => {
    const file = join(makeFolder(), 'log');
    const end = await runChild('winston-service.mjs', { args: [file] });
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(count(file)).toBe(LINES);
    expect(readFileSync(file, 'utf8')).toContain('Shutdown summary');
  });

  test('delivers every line to a slow reader of stdout', async () => {
    const child = new Child('winston-service.mjs', { args: ['stdout'] });
    const { stdout } = child.process;
    stdout?.on('data', () => {
      stdout.pause();
      setTimeout(() => stdout.resume(), 20);
    });
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(linesIn(end.stdout)).toBe(LINES);
    expect(end.stdout).toContain('Shutdown summary');
  });

  test('reports a full disk, and delivers to the other file', async () => {
    const [folder, reports] = [makeFolder(), makeFolder()];
    const file = join(folder, 'log');
    const end = await runChild('winston-full-disk.mjs', { args: [file, reports] });
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(count(file)).toBe(LINES);
    const report = readReport(reports);
    expect(report.steps).toMatchObject([{ name: 'logs', status: 'failed' }]);
    expect(report.errors).toMatchObject([{ step: 'logs', code: 'ENOSPC' }]);
    expect(report.durationMs).toBeLessThan(4000);
  });
});
