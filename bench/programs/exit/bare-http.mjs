// The least that closes a server on SIGTERM.
import { startServer } from './server.mjs';

const server = startServer();
process.on('SIGTERM', () => server.close(() => process.exit(0)));
