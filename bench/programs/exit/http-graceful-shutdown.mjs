import gracefulShutdown from 'http-graceful-shutdown';
import { startServer } from './server.mjs';

gracefulShutdown(startServer(), { timeout: 30_000, onShutdown: async () => {} });
