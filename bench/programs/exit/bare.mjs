// The least that ends on SIGTERM.
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 2 ** 30);
setTimeout(() => process.stdout.write('ready\n'), 20);
