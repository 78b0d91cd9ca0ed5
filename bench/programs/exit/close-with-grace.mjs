import closeWithGrace from 'close-with-grace';

closeWithGrace({ delay: 30_000 }, async () => {});
setInterval(() => {}, 2 ** 30);
setTimeout(() => process.stdout.write('ready\n'), 20);
