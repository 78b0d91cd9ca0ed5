import { createShutdown, httpServer } from '../../../dist/index.js';
import { startServer } from './server.mjs';

createShutdown({ console: false }).add(httpServer(startServer())).install();
