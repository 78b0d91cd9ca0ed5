// Ends a service under load, again and again at random moments, and counts what its clients saw:
//   npm run build:ts && node test/load/http-shutdowns.mjs 300
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { http1Client, http2Client } from './clients.mjs';

const SERVICE = fileURLToPath(new URL('../fixtures/http-load-service.mjs', import.meta.url));
const AT_A_TIME = 2;

async function oneShutdown(totals) {
  const child = fork(SERVICE, { execArgv: [] });
  const exited = once(child, 'exit');
  const [ports] = await once(child, 'message');
  const endings = new Map();
  const clients = Array.from({ length: 24 }, (_, index) =>
    http1Client(ports.http1, endings, index % 3 === 0 ? 0 : 60),
  );
  for (let session = 0; session < 4; session += 1) {
    clients.push(http2Client(ports.http2, endings, session * 20, 6));
  }
  await sleep(50 + Math.random() * 150);
  const said = once(child, 'message');
  child.kill('SIGTERM');
  const [{ accepted, report }] = await said;
  child.disconnect();
  const [code] = await exited;
  await Promise.all(clients);

  totals.shutdowns += 1;
  totals.accepted += accepted.length;
  totals.lost += accepted.filter((id) => endings.get(id) !== 'answered').length;
  for (const ending of endings.values()) totals[ending] += 1;
  if (code !== 0 || report.outcome !== 'clean') totals.unclean.push({ code, steps: report.steps });
  totals.longestMs = Math.max(totals.longestMs, Math.round(report.durationMs));
}

const wanted = Number(process.argv[2] ?? 300);
const totals = {
  shutdowns: 0,
  accepted: 0,
  answered: 0,
  lost: 0,
  cut: 0,
  raced: 0,
  reset: 0,
  refused: 0,
  longestMs: 0,
  unclean: [],
};
let begun = 0;
await Promise.all(
  Array.from({ length: AT_A_TIME }, async () => {
    while (begun < wanted) {
      begun += 1;
      await oneShutdown(totals);
    }
  }),
);
console.log(JSON.stringify(totals));
