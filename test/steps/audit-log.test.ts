/* eslint @typescript-eslint/no-unsafe-class-instance-assignment: off -- winston's types declare its transports twice */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import winston from 'winston';
import { closeLogger } from '../../lib/steps/close-logger.js';
import { makeFolder } from '../support/folder.js';
import { fakeShutdown } from '../support/shutdown.js';

test('an audit log is closed before the models, with what the intake still wrote', async () => {
  const file = join(makeFolder(), 'audit');
  const audit = winston.createLogger({
    transports: [new winston.transports.File({ filename: file })],
  });
  let seenByModels = '';
  const report = await fakeShutdown()
    .add(closeLogger(audit, { name: 'audit', phase: 'service' }))
    .add('models', () => (seenByModels = readFileSync(file, 'utf8')), { phase: 'models' })
    .add('http', () => audit.info('the last request'), { phase: 'intake' })
    .start();
  expect(report.steps.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
  expect(seenByModels).toContain('the last request');
});
