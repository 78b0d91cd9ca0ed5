// pm2 start ecosystem.config.cjs
const path = require('node:path');

module.exports = {
  apps: [
    {
      name: 'inference',
      script: path.join(__dirname, '..', 'service.mjs'),
      exec_mode: 'fork',
      wait_ready: true, // The service says so, once the model is on its device.
      listen_timeout: 120_000,
      shutdown_with_message: true, // Not a signal, which PM2 would send to the children too.
      kill_timeout: 35_000, // Longer than SHUTDOWN_TIMEOUT_MS; PM2's own 1,600 ms kill in the middle.
      env: {
        SHUTDOWN_TIMEOUT_MS: '30000',
        MODEL: process.env.MODEL,
        REPORTS: process.env.REPORTS,
      },
    },
  ],
};
