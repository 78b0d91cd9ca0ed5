import { createTerminus } from '@godaddy/terminus';
import { startServer } from './server.mjs';

createTerminus(startServer(), { timeout: 30_000, useExit0: true, onSignal: async () => {} });
